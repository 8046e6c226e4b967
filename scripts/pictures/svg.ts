/** Parts of the pictures: text as SVG has it, and the frame with its colors for light and dark. */

export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** A number without needless digits. */
export const n = (value: number): string => String(Math.round(value * 10) / 10)

export interface Picture {
  readonly width: number
  readonly height: number
  /** What a screen reader says first, and then. */
  readonly title: string
  readonly description: string
  readonly body: ReadonlyArray<string>
}

/** Contrasts of text to its ground are 7 to 1 or more. */
const style = `
    svg { color-scheme: light dark; }
    .ground { fill: #ffffff; }
    text { fill: #1f2328; }
    .small { font-size: 12px; }
    .strong { font-weight: 600; }
    .middle { text-anchor: middle; }
    .end { text-anchor: end; }
    .line { stroke: #57606a; stroke-width: 1.5; fill: none; }
    .faint { stroke-opacity: 0.25; }
    .good { fill: #9ad0b5; }
    .soon { fill: #f2d58a; }
    .bad { fill: #eeb0a8; }
    .box { fill: #f1f4f9; stroke: #57606a; stroke-width: 1.5; }
    .outside { fill: none; stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 5 4; }
    #arrow path { fill: #57606a; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; }
      text { fill: #e6edf3; }
      .line { stroke: #9198a1; }
      .good { fill: #1f5c40; }
      .soon { fill: #6a5212; }
      .bad { fill: #7a2d25; }
      .box { fill: #1c2432; stroke: #9198a1; }
      .outside { stroke: #9198a1; }
      #arrow path { fill: #9198a1; }
    }`

export const draw = ({ body, description, height, title, width }: Picture): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="14">
  <title id="title">${escape(title)}</title>
  <desc id="description">${escape(description)}</desc>
  <style>${style}
  </style>
  <defs>
    <marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 1 L9 5 L0 9 z"/></marker>
  </defs>
  <rect class="ground" width="${width}" height="${height}"/>
${body.map((line) => `  ${line}`).join("\n")}
</svg>
`

export const text = (x: number, y: number, words: string, classes = ""): string =>
  `<text x="${n(x)}" y="${n(y)}"${classes === "" ? "" : ` class="${classes}"`}>${escape(words)}</text>`

export const rect = (x: number, y: number, width: number, height: number, classes: string, radius = 0): string =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" class="${classes}"${
    radius === 0 ? "" : ` rx="${radius}"`
  }/>`

export const line = (
  points: ReadonlyArray<readonly [x: number, y: number]>,
  arrow = false,
  classes = "line"
): string =>
  `<path class="${classes}" d="M${points.map(([x, y]) => `${n(x)} ${n(y)}`).join(" L")}"${
    arrow ? " marker-end=\"url(#arrow)\"" : ""
  }/>`
