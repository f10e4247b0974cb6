import { generateURI } from 'otplib'
import { create } from 'qrcode'
import type { AccountLabel } from '../factor.ts'
import { hashName } from './code.ts'
import type { TotpParameters } from './parameters.ts'

/** The model of views/factors/totp/enrol.njk. */
export type TotpSetUp = {
  /** Base32, ungrouped. */
  readonly secret: string
  readonly uri: string
  /** `<svg viewBox=...>` with its quiet zone and white ground; the template wraps it and gives it its name. */
  readonly qrSvg: string
  readonly digits: number
  readonly periodSeconds: number
  readonly algorithm: string
}

/** Modules of white around the symbol (ISO/IEC 18004), part of the picture so that dark mode keeps it. */
const QUIET_ZONE = 4
/** Code points. At the longest, all of them four bytes wide, the URI still fits a QR symbol. */
const LONGEST_ISSUER = 40
const LONGEST_LABEL = 80

/**
 * Algorithm, digits and period are in the URI only where they are not the defaults: every app assumes those, and a
 * shorter URI makes a coarser symbol, which a poor camera reads more easily.
 */
export function describeSetUp(parameters: TotpParameters, about: AccountLabel): TotpSetUp {
  const uri = generateURI({
    issuer: asName(about.issuerName, LONGEST_ISSUER),
    label: asName(about.label, LONGEST_LABEL),
    secret: parameters.secret,
    algorithm: hashName(parameters.algorithm),
    digits: parameters.digits,
    period: parameters.periodSeconds,
  })
  return {
    secret: parameters.secret,
    uri,
    qrSvg: drawQr(uri),
    digits: parameters.digits,
    periodSeconds: parameters.periodSeconds,
    algorithm: parameters.algorithm,
  }
}

/**
 * A colon separates issuer and account in the label, so neither may hold one: apps would show a part of the one as the
 * other. An empty name becomes `-`, since apps refuse an empty one.
 */
function asName(text: string, longest: number): string {
  const plain = text
    .toWellFormed()
    .replace(/[\s:\p{Cc}]+/gu, ' ')
    .trim()
  return Array.from(plain).slice(0, longest).join('').trim() || '-'
}

/** Draws one path, one run of dark modules after the other. Attributes only: a strict CSP forbids inline styles. */
function drawQr(text: string): string {
  const { modules } = create(text, { errorCorrectionLevel: 'M' })
  const side = modules.size + 2 * QUIET_ZONE
  let dark = ''
  for (let row = 0; row < modules.size; row += 1) {
    const line = Array.from({ length: modules.size }, (_, column) => modules.get(row, column)).join(
      '',
    )
    for (const run of line.matchAll(/1+/g))
      dark += `M${run.index + QUIET_ZONE} ${row + QUIET_ZONE}h${run[0].length}v1h-${run[0].length}z`
  }
  return (
    `<svg viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path fill="#000" d="${dark}"/></svg>`
  )
}
