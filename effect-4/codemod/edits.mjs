/**
 * Edits of one text: replacements of ranges, and insertions. A rule that wraps an expression composes with rules that
 * change what is inside it: what is inserted before a position comes in the order of the rules, and what is inserted
 * after one in the reverse order of nesting.
 */
export class Edits {
  #edits = []

  replace(start, end, text) {
    this.#edits.push({ start, end, text, rank: 1, order: this.#edits.length })
  }

  /** Before the node that begins at a position. Of several texts, the one that was recorded first comes first. */
  insert(position, text) {
    this.#edits.push({ start: position, end: position, text, rank: 2, order: this.#edits.length })
  }

  /** After the node that ends at a position. Of several texts, the one that was recorded last comes first. */
  insertAfter(position, text) {
    this.#edits.push({ start: position, end: position, text, rank: 0, order: -this.#edits.length })
  }

  get isEmpty() {
    return this.#edits.length === 0
  }

  apply(source) {
    const sorted = this.#edits.toSorted((a, b) =>
      a.start - b.start || (a.end === a.start || b.end === b.start ? rankOf(a) - rankOf(b) : a.end - b.end) ||
      a.order - b.order
    )
    let result = ""
    let position = 0
    for (const { end, start, text } of sorted) {
      if (start < position) throw new Error(`Two rules change ${JSON.stringify(source.slice(start, end))}`)
      result += source.slice(position, start) + text
      position = end
    }
    return result + source.slice(position)
  }
}

/** The order at one position: texts after the node that ends there, texts before the node that begins there, and the replacement. */
const rankOf = ({ end, rank, start }) => start === end ? (rank === 0 ? 0 : 1) : 2
