// What esbuild takes in beside the sources.
declare module "*.css";
