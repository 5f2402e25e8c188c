// Gives each import that may throw a `try` of its own. wasm-bindgen has one function for all, to which each call makes
// a closure and its `arguments`: that takes longer than what most imports do.

const guarded =
  /function (\w+)\(\) \{\s*return handleError\(function\s?\(([^)]*)\) \{([\s\S]*?)\n\s*\}, arguments\);\s*\}/g;
const guard =
  /function handleError\(f, args\) \{\s*try \{\s*return f\.apply\(this, args\);\s*\} catch \(e\) \{([\s\S]*?)\n\s*\}\s*\}/;

/** @param {string} bindings the text of them */
export function direct(bindings) {
  const changed = bindings
    .replace(
      guarded,
      (_, name, args, body) =>
        `function ${name}(${args}) { try {${body} } catch (e) { handleError(e); } }`,
    )
    .replace(guard, (_, body) => `function handleError(e) {${body}\n}`);
  if (/arguments\)|\bargs\) \{\s*try/.test(changed)) {
    throw new Error(
      'wasm-bindgen writes what may throw in another way than tools/wasm-bindings.mjs knows',
    );
  }
  return changed;
}
