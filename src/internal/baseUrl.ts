/**
 * The base URL of Slack.
 */
import { parseHttpsUrl } from "./httpsUrl.js"

/** The base URL without a slash at the end, or what is wrong with it. */
export const parseBaseUrl = (input: string):
  | { readonly ok: true; readonly baseUrl: string }
  | { readonly ok: false; readonly problem: string } =>
{
  const url = parseHttpsUrl(input, "https://slack.com")
  if (!url.ok) return url
  return url.path.endsWith("/api")
    ? { ok: false, problem: "leave out /api: it is added for each method" }
    : { ok: true, baseUrl: `${url.origin}${url.path}` }
}
