/**
 * The form of scopes.
 */

/** Scopes. The JSON Schema of the emulator's seeds has this pattern. */
export const scopePattern = "^[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z0-9_.:-]+)?$"

const scope = new RegExp(scopePattern)

export const isScope = (text: string): boolean => scope.test(text)

/** Whether a scope is one of Sign in with Slack. Slack does not combine these with others. */
export const isForSignIn = (scope: string): boolean => /^(openid|email|profile|identity\..+)$/.test(scope)
