/** A browser as a person knows it. */
export interface BrowserName {
  readonly browser: string
  readonly system?: string
}

/** The first match counts, because most browsers also name older browsers in their `User-Agent`. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(A|iOS|e)?\b/, 'Edge'],
  [/\b(OPR|Opera)\b/, 'Opera'],
  [/\bSamsungBrowser\b/, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\b/, 'Firefox'],
  [/\b(HeadlessChrome|Chrome|CriOS|Chromium)\b/, 'Chrome'],
  [/\bSafari\b/, 'Safari'],
]

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\b(Macintosh|Mac OS X|macOS)\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

/**
 * The browser that a `User-Agent` names, in our own words; undefined: an unknown one. The header itself is never shown:
 * an attacker who signs in chooses it, and could otherwise write to the owner of the account in our name.
 */
export function browserName(userAgent: string): BrowserName | undefined {
  const browser = nameIn(BROWSERS, userAgent)
  if (browser === undefined) return undefined
  const system = nameIn(SYSTEMS, userAgent)
  return system === undefined ? { browser } : { browser, system }
}

function nameIn(names: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return names.find(([pattern]) => pattern.test(text))?.[1]
}
