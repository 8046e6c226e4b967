/** Files and folders that do not pass on Effect 4 yet, with what they need. Take a file out once all of it passes. */
export const pending = []
