// Translates TypeScript that is written for Effect 3 into TypeScript that is written for Effect 4.
import ts from "typescript"
import { Edits } from "./edits.mjs"
import { rules } from "./rules.mjs"
import { modules, replaced } from "./tables.mjs"

const isEffects = (specifier) => /^(effect|@effect)(\/|$)/.test(specifier)

/** The module of Effect's that a declaration is in, such as `effect/Either`. */
const moduleOf = (declaration) => {
  const match = /node_modules\/((?:@effect\/)?[\w-]+)\/dist\/dts\/(.+)\.d\.ts$/.exec(
    declaration?.getSourceFile().fileName ?? ""
  )
  return match === null ? undefined : match[2] === "index" ? match[1] : `${match[1]}/${match[2]}`
}

const lastSegment = (specifier) => specifier.slice(specifier.lastIndexOf("/") + 1)

/** How Effect 4 names a namespace: as the module, if Effect 3's is named so. */
const namespaceFor = (local, specifier) => {
  const target = modules[specifier]
  return target !== undefined && local === lastSegment(specifier) && target.startsWith("effect/")
    ? lastSegment(target)
    : local
}

class File {
  edits = new Edits()
  imports = new Set()
  /** Namespaces of Effect's, by their local names, with Effect 3's module. */
  namespaces = new Map()
  problems = []
  skipped = []

  constructor(source, checker, isExported) {
    this.source = source
    this.checker = checker
    this.isExported = isExported
  }

  problem(node, text) {
    const { character, line } = this.source.getLineAndCharacterOfPosition(node.getStart())
    this.problems.push(`${this.source.fileName}:${line + 1}:${character + 1} ${text}`)
  }

  /** Makes sure that a module of Effect 4 is imported, and returns the name of its namespace. */
  import(specifier) {
    this.imports.add(specifier)
    return lastSegment(specifier)
  }

  /** Whether Effect 4's module for this one exports the name. */
  isKnown(specifier, name) {
    return this.isExported(modules[specifier] ?? specifier, name)
  }

  /** Whether Effect 4 has a module for this one. */
  isModule(specifier) {
    return this.isExported(modules[specifier] ?? specifier)
  }

  renamedIn(table, symbol, name) {
    for (const declaration of symbol?.declarations ?? []) {
      const names = table[moduleOf(declaration)]
      if (names !== undefined && Object.hasOwn(names, name)) return names[name]
    }
    return undefined
  }

  /** Whether a name is of a member that a module of Effect declares. */
  isMemberOf(name, module) {
    return this.checker.getSymbolAtLocation(name)?.declarations?.some((one) => moduleOf(one) === module) ?? false
  }

  renamed(table, symbol) {
    return symbol === undefined ? undefined : this.renamedIn(table, symbol, symbol.name)
  }

  /** The declared property that a property of an object literal is checked against. */
  contextualProperty(property) {
    const type = this.checker.getContextualType(property.parent)
    const name = property.name.text
    return type === undefined || name === undefined ? undefined : this.#property(type, name)
  }

  #property(type, name) {
    const members = type.isUnion() ? type.types : [type]
    for (const member of members) {
      const found = member.getProperty(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  #isFrom(type, module, name) {
    const symbol = type.aliasSymbol ?? type.symbol
    return symbol?.name === name && symbol.declarations?.some((declaration) => moduleOf(declaration) === module)
  }

  #hasEffect(type) {
    const members = type.isUnion() ? type.types : [type]
    return members.some((member) => this.#isFrom(member, "effect/Effect", "Effect"))
  }

  /** Whether an expression stands where an effect is wanted. */
  isEffectExpected(node) {
    const { parent } = node
    if (ts.isYieldExpression(parent) && parent.asteriskToken !== undefined) return this.#isInEffect(parent)
    if (ts.isConditionalExpression(node) || ts.isBinaryExpression(node)) return false
    const expected = this.checker.getContextualType(node)
    return expected !== undefined && this.#hasEffect(expected)
  }

  /** Whether a `yield*` is in the generator of an effect, and not of an `Either` or an `Option`. */
  #isInEffect(node) {
    const generator = ts.findAncestor(node, ts.isFunctionLike)
    const call = generator?.parent
    return call === undefined || !ts.isCallExpression(call) || !/^(Either|Option)\.gen$/.test(call.expression.getText())
  }

  /** The same of what an effect succeeds with. */
  kindOfSuccess(node) {
    const type = this.checker.getTypeAtLocation(node)
    const success = type.aliasTypeArguments?.[0] ?? this.checker.getTypeArguments(type)[0]
    return success === undefined ? undefined : this.#kindOfType(success)
  }

  /** Which of the values an expression is that Effect 3 takes for an effect. */
  kindOf(node) {
    const type = this.checker.getTypeAtLocation(node)
    const kind = this.#kindOfType(type)
    if (kind !== undefined) return kind
    const isError = ts.isNewExpression(node) && !ts.isYieldExpression(node.parent) &&
      type.getProperty("stack") !== undefined
    return isError ? "Error" : undefined
  }

  #kindOfType(type) {
    const members = type.isUnion() ? type.types : [type]
    const are = (module, ...names) =>
      members.every((member) => names.some((name) => this.#isFrom(member, module, name)))
    if (members.length === 0 || type.flags & ts.TypeFlags.Any) return undefined
    if (are("effect/Either", "Left", "Right", "Either")) return "Either"
    if (are("effect/Option", "None", "Some", "Option")) return "Option"
    if (are("effect/Fiber", "RuntimeFiber", "Fiber")) return "Fiber"
    if (are("effect/Deferred", "Deferred")) return "Deferred"
    return undefined
  }
}

const only3 = /^\/\/ Effect 3 only(?:: (.+))?$/

/** What a comment above a node says of it, if Effect 4 does not get it: the reason, or an empty text. */
const whyOnly3 = (source, node) => {
  for (const { end, pos } of ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? []) {
    const match = only3.exec(source.text.slice(pos, end))
    if (match !== null) return match[1] ?? ""
  }
  return undefined
}

/** The name of a test, or of a group of tests. */
const testName = (node) => {
  const call = ts.isExpressionStatement(node) ? node.expression : undefined
  return call !== undefined && ts.isCallExpression(call) && /^(it|describe)\b/.test(call.expression.getText())
    ? call.arguments[0].getText().replace(/^["'`]|["'`]$/g, "")
    : undefined
}

/**
 * Reads the imports of namespaces, as modules or from a barrel. Returns the new names of those that have one, and what
 * the imports are to be: `write` records it once the rules have said what else they need.
 */
const translateImports = (source, file) => {
  const namespaces = []
  const renamed = new Map()
  const statements = []

  const add = (statement, local, specifier, isType) => {
    file.namespaces.set(local, specifier)
    const name = namespaceFor(local, specifier)
    if (name !== local) renamed.set(local, name)
    // What is still used of a module that is gone is a problem at its use.
    if (!file.isModule(specifier)) return
    const target = modules[specifier] ?? specifier
    const before = namespaces.find((other) => other.target === target && other.name === name)
    // One import is enough. It brings values if one of the two does.
    if (before === undefined) namespaces.push({ isType, name, statement, target })
    else before.isType &&= isType
  }

  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || !isEffects(statement.moduleSpecifier.text)) continue
    const { importClause, moduleSpecifier } = statement
    const specifier = moduleSpecifier.text
    const bindings = importClause?.namedBindings
    if (bindings === undefined) continue
    if (ts.isNamespaceImport(bindings)) {
      statements.push({ statement, others: [] })
      add(statement, bindings.name.text, specifier, importClause.isTypeOnly)
    } else if (isBarrel(specifier)) {
      const others = []
      for (const element of bindings.elements) {
        const name = (element.propertyName ?? element.name).text
        const isType = importClause.isTypeOnly || element.isTypeOnly
        if (/^[a-z]/.test(name)) others.push(element.getText())
        else add(statement, element.name.text, `${specifier}/${name}`, isType)
      }
      statements.push({ statement, others })
    } else {
      for (const element of bindings.elements) {
        const { text } = element.propertyName ?? element.name
        if (!file.isKnown(specifier, text)) file.problem(element, `${specifier} has no ${text} in Effect 4`)
      }
      const target = modules[specifier]
      if (target !== undefined) {
        file.edits.replace(moduleSpecifier.getStart(), moduleSpecifier.end, JSON.stringify(target))
      }
    }
  }

  const lineOf = ({ isType, name, target }) => `import ${isType ? "type " : ""}* as ${name} from "${target}"`

  const write = () => {
    for (const target of file.imports) {
      const name = lastSegment(target)
      const before = namespaces.find((other) => other.target === target && other.name === name)
      if (before !== undefined) before.isType = false
      else file.edits.insert(source.statements[0].getStart(), `${lineOf({ isType: false, name, target })}\n`)
    }
    for (const { others, statement } of statements) {
      const lines = namespaces.filter((one) => one.statement === statement).map(lineOf)
      if (others.length > 0) lines.push(`import { ${others.join(", ")} } from ${statement.moduleSpecifier.getText()}`)
      const { end } = statement
      const isEmpty = lines.length === 0 && source.text[end] === "\n"
      file.edits.replace(statement.getStart(), isEmpty ? end + 1 : end, lines.join("\n"))
    }
  }
  return { renamed, write }
}

const isBarrel = (specifier) => /^(effect|@effect\/[\w-]+)$/.test(specifier) && specifier !== "@effect/vitest"

/** Translates one file of a program: the text, what could not be translated, and the tests that were left out. */
export const translateFile = (source, checker, isExported) => {
  const file = new File(source, checker, isExported)
  const { renamed, write } = translateImports(source, file)
  const all = Object.values(rules)
  const hasOnly3 = source.text.includes("// Effect 3 only")
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && isEffects(node.moduleSpecifier.text)) return
    const why = hasOnly3 ? whyOnly3(source, node) : undefined
    if (why !== undefined) {
      const name = testName(node)
      if (name !== undefined) file.skipped.push({ name, why })
      return file.edits.replace(node.getFullStart(), source.text[node.end] === "," ? node.end + 1 : node.end, "")
    }
    if (ts.isImportDeclaration(node)) return
    for (const rule of all) rule(node, file)
    if (ts.isIdentifier(node) && renamed.has(node.text)) {
      const { parent } = node
      const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node ||
        ts.isQualifiedName(parent) && parent.right === node || ts.isPropertyAssignment(parent) && parent.name === node
      if (!isMember) file.edits.replace(node.getStart(), node.end, renamed.get(node.text))
    }
    if (ts.isIdentifier(node) && [...renamed.values()].includes(node.text) && isDeclared(node)) {
      file.problem(node, `${node.text} is a namespace in Effect 4: give this another name`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  write()
  return {
    text: withReplaced(withoutUnused(file.edits.apply(source.text))),
    problems: file.problems,
    skipped: file.skipped
  }
}

/** Modules of this package that are others, wherever a file names them. */
export const withReplaced = (text) =>
  Object.entries(replaced).reduce((result, [from, to]) => {
    const path = `effect-slack-oauth/${from}`
    return result.includes(path)
      ? result.replaceAll(path, `effect-slack-oauth/${to}`)
        .replaceAll(new RegExp(`\\b${lastSegment(from)}\\b`, "g"), lastSegment(to))
      : result
  }, text)

/** A namespace of which a rule has replaced the last use is not imported. */
const withoutUnused = (text) =>
  text.replace(/^import (?:type )?\* as (\w+) from ".*"\n/gm, (line, name, offset) => {
    const rest = text.slice(0, offset) + text.slice(offset + line.length)
    return new RegExp(`\\b${name}\\b`).test(rest) ? line : ""
  })

const isDeclared = (node) => {
  const { parent } = node
  return (ts.isVariableDeclaration(parent) || ts.isTypeAliasDeclaration(parent) || ts.isInterfaceDeclaration(parent) ||
    ts.isClassDeclaration(parent) || ts.isFunctionDeclaration(parent) || ts.isParameter(parent)) && parent.name === node
}

/** What the modules of the packages that are installed in a folder export: whether a module exports a name. */
export const readExports = (directory) => {
  const known = new Map()
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
  const resolve = (specifier, from) =>
    ts.resolveModuleName(specifier, from, options, ts.sys, undefined, undefined, ts.ModuleKind.ESNext)
      .resolvedModule?.resolvedFileName
  const namesIn = (fileName) => {
    const names = new Set()
    const source = ts.createSourceFile(fileName, ts.sys.readFile(fileName), ts.ScriptTarget.Latest)
    for (const statement of source.statements) {
      if (ts.isExportDeclaration(statement)) {
        const { exportClause, moduleSpecifier } = statement
        if (exportClause === undefined) {
          for (const name of namesIn(resolve(moduleSpecifier.text, fileName))) names.add(name)
        } else if (ts.isNamespaceExport(exportClause)) names.add(exportClause.name.text)
        else for (const element of exportClause.elements) names.add(element.name.text)
      } else if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
        if (ts.isVariableStatement(statement)) {
          for (const { name } of statement.declarationList.declarations) names.add(name.text)
        } else names.add(statement.name.text)
      }
    }
    return names
  }
  const read = (specifier) => {
    const fileName = resolve(specifier, `${directory}/main.ts`)
    // A package that is not there would be found in the folders above, where Effect 3 is.
    return fileName?.startsWith(`${directory}/`) ? namesIn(fileName) : new Set()
  }
  return (specifier, name) => {
    if (!known.has(specifier)) known.set(specifier, read(specifier))
    return name === undefined ? known.get(specifier).size > 0 : known.get(specifier).has(name)
  }
}
