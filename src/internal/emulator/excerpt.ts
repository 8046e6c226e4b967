/**
 * The beginning of a text, for records that stay in memory. It is a copy: JavaScript engines keep the whole of a string for
 * each part of it.
 */
export const excerpt = (text: string, length: number): string => ` ${text.slice(0, length)}`.slice(1)
