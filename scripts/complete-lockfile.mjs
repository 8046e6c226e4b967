// Adds optional packages to package-lock.json that npm leaves out.
//
// Some registries and mirrors do not have the native binaries of every platform. `npm install` skips those silently, and
// then `npm ci` refuses the lockfile that npm has written (npm/cli#9846). This adds their entries, from the versions that
// the parent package requires and the platform in the name, so that `npm ci` works with every registry and platform.
// Run it after each change of the dependencies: `npm run lockfile`.
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
    // A range cannot be resolved without the registry. Packages require platform binaries by their exact version.
    if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
      throw new Error(`${parent} requires ${name} ${version}, which is not an exact version`)
    }
    const entry = { ...platform(name), ...(dev && { dev }), optional: true }
    // npm's order of keys, so that npm does not change it.
    const ordered = Object.fromEntries(Object.entries(entry).sort(([a], [b]) => a.localeCompare(b, "en")))
    lock.packages[`node_modules/${name}`] = { version, ...ordered }
    added.push(name)
  }
}

const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"))
lock.packages = Object.fromEntries(sorted)
writeFileSync(file, JSON.stringify(lock, null, 2) + "\n")
console.log(`${added.length} optional packages added to package-lock.json`)
