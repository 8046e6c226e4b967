/** The items of a list with commas or white space between them, as Slack writes scopes. */
export const commaList = (text: string): ReadonlyArray<string> => text.split(/[\s,]+/).filter((item) => item !== "")

/** The items of a setting with commas between them. White space may be in an item, but not around it. */
export const settingList = (text: string): ReadonlyArray<string> =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "")
