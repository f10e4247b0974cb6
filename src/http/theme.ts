/**
 * A theme, of the service or of a client: an accent, the ink on it, a logo. The accent comes from an option or from
 * client metadata, and its author need not know about contrast: a colour whose contrast with our backgrounds is below
 * WCAG 2.2 AA is replaced by the nearest shade that is not, for the light and the dark scheme separately.
 */

/** The look of the service itself; a client's own accent and logo come before it. */
export interface Theme {
  /** The colour of the affirmative button and of links, `#rgb` or `#rrggbb`. Too faint a colour is darkened or lightened. */
  readonly accent?: string
  /** The name of a picture in a views folder, a path of this origin, or an `https:` or `data:image/` address. */
  readonly logo?: string
}

type Rgb = readonly [red: number, green: number, blue: number]

/**
 * --sheet of style.css in each scheme: the background of the accent. test/http/theme.test.ts checks that they are
 * equal.
 */
export const SHEETS = { light: '#ffffff', dark: '#171b22' } as const

/** WCAG 2.2 SC 1.4.3: text. */
const TEXT_CONTRAST = 4.5
/** WCAG 2.2 SC 1.4.11: the shape of a control. */
const SHAPE_CONTRAST = 3

const WHITE: Rgb = [255, 255, 255]
const BLACK: Rgb = [0, 0, 0]

/**
 * The style sheet of a theme, or undefined where `accent` is no `#rgb` or `#rrggbb`. Only hexadecimal digits get into
 * the sheet, so that metadata cannot add a rule. An `ink` that is missing, unreadable or too faint on the accent
 * becomes white or black, whichever stands out more.
 */
export function themeCss(accent: string, ink?: string): string | undefined {
  const colour = parseHex(accent)
  if (colour === undefined) return undefined
  const wanted = ink === undefined ? undefined : parseHex(ink)
  const light = declarations(colour, wanted, parsed(SHEETS.light), BLACK)
  const dark = declarations(colour, wanted, parsed(SHEETS.dark), WHITE)
  return `:root {\n${light}}\n@media (prefers-color-scheme: dark) {\n:root {\n${dark}}\n}\n`
}

function declarations(accent: Rgb, ink: Rgb | undefined, sheet: Rgb, towards: Rgb): string {
  const shape = untilContrast(accent, sheet, SHAPE_CONTRAST, towards)
  const link = untilContrast(accent, sheet, TEXT_CONTRAST, towards)
  const text = ink !== undefined && contrast(ink, shape) >= TEXT_CONTRAST ? ink : inkFor(shape)
  return `--accent: ${hex(shape)};\n--accent-ink: ${hex(text)};\n--link: ${hex(link)};\n`
}

/** One of the two always reaches 4.5:1. */
function inkFor(ground: Rgb): Rgb {
  return contrast(WHITE, ground) >= contrast(BLACK, ground) ? WHITE : BLACK
}

/** Mixes `colour` with `towards` by hundredths until it stands out from `ground`. */
function untilContrast(colour: Rgb, ground: Rgb, least: number, towards: Rgb): Rgb {
  for (let share = 0; share < 100; share += 1) {
    const mixed = mix(colour, towards, share / 100)
    if (contrast(mixed, ground) >= least) return mixed
  }
  return towards
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  const channel = (index: 0 | 1 | 2) => Math.round(one[index] * (1 - share) + other[index] * share)
  return [channel(0), channel(1), channel(2)]
}

/** The contrast ratio of WCAG 2.2, 1 to 21. */
export function contrastRatio(one: string, other: string): number {
  return contrast(parsed(one), parsed(other))
}

function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function parsed(colour: string): Rgb {
  const rgb = parseHex(colour)
  if (rgb === undefined) throw new TypeError(`${colour} is no #rrggbb`)
  return rgb
}

/** Whether a logo is the name of a file of a views folder, and not an address. */
export function isFileName(logo: string): boolean {
  return /^[\w-][\w.-]*$/.test(logo)
}

/** Whether a theme can have this colour. */
export function isColour(text: string): boolean {
  return parseHex(text) !== undefined
}

function parseHex(colour: string): Rgb | undefined {
  const digits = /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour)?.[0].replace('#', '')
  if (digits === undefined) return undefined
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits
  const channel = (at: number) => Number.parseInt(long.slice(at, at + 2), 16)
  return [channel(0), channel(2), channel(4)]
}

function hex(colour: Rgb): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** `theme-<accent>[-<ink>].css`, the name under which the assets have a client's theme; undefined: no theme. */
export function themeName(accent: string | undefined, ink?: string): string | undefined {
  const colours = [accent, ink].map((colour) =>
    colour === undefined ? undefined : parseHex(colour),
  )
  if (colours[0] === undefined) return undefined
  const parts = colours
    .filter((colour) => colour !== undefined)
    .map((colour) => hex(colour).slice(1))
  return `theme-${parts.join('-')}.css`
}

/** The style sheet for a name of `themeName`; undefined: not the name of a theme. */
export function themeNamed(name: string): string | undefined {
  const [, accent, ink] = /^theme-([0-9a-f]{6})(?:-([0-9a-f]{6}))?\.css$/.exec(name) ?? []
  return accent === undefined ? undefined : themeCss(accent, ink)
}
