/** The deepest of the paths at which a value does not fit: those that are no beginning of another path. */
export const deepest = (paths: ReadonlyArray<ReadonlyArray<PropertyKey>>): ReadonlyArray<string> => {
  // A parser reports a member of a union and also its parts. The parts are more precise.
  const unique = Array.from(new Set(paths.map((path) => path.map(String).join("."))))
  return unique.filter((path) => path !== "" && !unique.some((other) => other.startsWith(`${path}.`)))
}
