/** A part of a path that may be a token: it is as long as our shortest token and made of the same characters. */
const TOKEN = /[\w.~-]{20,}/g

/** Names in routes that match the pattern but are no tokens. */
const ROUTES = new Set(['openid-configuration'])

/** The most rounds of decoding. No route of the server is reached by a path that was encoded more often. */
const MOST_DECODINGS = 3

/**
 * Returns a path as it may be logged (R31): percent-decoded, with each part replaced that may be a token. Tokens are
 * in the paths of set-up links and of interactions, and a sender may write such a path in many ways.
 */
export function pathToLog(path: string): string {
  return decoded(path).replace(TOKEN, (part) => (ROUTES.has(part) ? part : '…'))
}

function decoded(path: string): string {
  let before = path
  for (let round = 0; round < MOST_DECODINGS; round += 1) {
    const after = before.replace(/(?:%[0-9a-f]{2})+/gi, decodedOrSame)
    if (after === before) break
    before = after
  }
  // A "%" that is left hides the letters behind it from the pattern.
  return before.replace(/%[0-9a-f]{2}/gi, '_')
}

function decodedOrSame(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    // The bytes are not UTF-8.
    return encoded
  }
}
