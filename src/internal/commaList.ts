/** The items of a list with commas or white space between them, as Slack writes scopes. */
export const commaList = (text: string): ReadonlyArray<string> => text.split(/[\s,]+/).filter((item) => item !== "")
