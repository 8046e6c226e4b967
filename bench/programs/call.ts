/** The calls of `call.ts` in a process of its own, which `majors.ts` starts for each major of Effect. */
import { measureCalls } from "../call.js"

const [names, options] = JSON.parse(process.argv[2] ?? "") as Parameters<typeof measureCalls>
console.log(JSON.stringify(await measureCalls(names, options)))
