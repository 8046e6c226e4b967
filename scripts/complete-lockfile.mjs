// Adds to package-lock.json the optional packages that npm left out of it.
//
// Some registries and mirrors do not carry the native binaries of every platform. `npm install` skips those silently,
// and `npm ci` then refuses the lockfile that npm has just written (npm/cli#9846). With their entries, which follow from
// what the parent package asks for and from the platform in the name, `npm ci` works on every registry and platform.
// Run it after any change to the dependencies: `npm run lockfile`.
import { readFileSync, writeFileSync } from "node:fs"

const file = new URL("../package-lock.json", import.meta.url)
const lock = JSON.parse(readFileSync(file, "utf8"))

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"]
const processors = ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"]
const libraries = {
  glibc: "glibc",
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl"
}

const platform = (name) => {
  const words = name.split(/[/-]/)
  const os = words.find((word) => systems.includes(word))
  const cpu = words.find((word) => processors.includes(word))
  const libc = os === "linux" ? libraries[words.at(-1)] : undefined
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) }
}

const isLocked = (parent, name) => {
  for (let path = parent;; path = path.slice(0, Math.max(0, path.lastIndexOf("/node_modules/")))) {
    if (lock.packages[`${path}${path && "/"}node_modules/${name}`]) return true
    if (!path.includes("/node_modules/")) return lock.packages[`node_modules/${name}`] !== undefined
  }
}

const added = []
for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isLocked(parent, name)) continue
    // A range cannot be resolved without the registry; platform binaries are asked for by their exact version.
    if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) throw new Error(`${parent} asks for ${name} ${version}`)
    const entry = { ...platform(name), ...(dev && { dev }), optional: true }
    // npm's own order of keys, so that its next write changes nothing.
    const ordered = Object.fromEntries(Object.entries(entry).sort(([a], [b]) => a.localeCompare(b, "en")))
    lock.packages[`node_modules/${name}`] = { version, ...ordered }
    added.push(name)
  }
}

const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"))
lock.packages = Object.fromEntries(sorted)
writeFileSync(file, JSON.stringify(lock, null, 2) + "\n")
console.log(`${added.length} optional packages added to package-lock.json`)
