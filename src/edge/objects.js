// One crossing between wasm and JavaScript for a call of an object's method; the answer is the promise of its text.
export const ask = (namespace, name, method, text) => namespace.getByName(name)[method](text);
