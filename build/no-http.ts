/**
 * Stands in for @actions/http-client in the bundles (tsconfig.json, `paths`). @actions/core needs it
 * for OIDC tokens, which this action does not use; with its undici it is 960 of the main bundle's
 * 1,040 kB and two thirds of its loading time, and code that no HTTP request can come from is safer.
 */
export function HttpClient(): never {
  throw new Error('This action makes no HTTP requests.')
}

export const BearerCredentialHandler = HttpClient
