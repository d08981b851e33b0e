// A list to take along, as CSV; what goes wrong is said.
import { at, download, type Problem } from "../api";
import { toast } from "./ui";

export const save = (path: string, name: string): void =>
  void download(at(path, { format: "csv" }), `${name}.csv`).catch((problem: Problem) => toast(problem.message));
