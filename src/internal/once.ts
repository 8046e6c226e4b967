/** A value for each key, made when it is first needed. It is never forgotten, so there must be few keys. */
export const once = <Key extends string, A extends object>(make: (key: Key) => A): (key: Key) => A => {
  const made = new Map<Key, A>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}
