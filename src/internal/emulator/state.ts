/** What one emulator consists of. */
import type * as Delivery from "./delivery.js"
import type * as Faults from "./faults.js"
import type * as Handlers from "./handlers.js"
import type * as World from "./world.js"

export interface State {
  readonly world: World.World
  readonly injections: Array<Faults.Injection>
  /** What answers the methods that the emulator does not implement. */
  readonly handlers: ReadonlyMap<string, Handlers.Handler>
  /** What delivers events to the apps. */
  readonly sender: Delivery.Sender
}
