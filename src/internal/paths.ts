/** Where a value does not fit: of the paths that a parser reports, those that no other one leads beyond. */
export const deepest = (paths: ReadonlyArray<ReadonlyArray<PropertyKey>>): ReadonlyArray<string> => {
  // A member of a union fails for its parts and once more for itself; the parts say it better.
  const unique = Array.from(new Set(paths.map((path) => path.map(String).join("."))))
  return unique.filter((path) => path !== "" && !unique.some((other) => other.startsWith(`${path}.`)))
}
