import type { ServerResponse } from 'node:http'
import { presentContext } from '../../host/context.ts'
import { readCookie, setCookie } from '../../http/cookies.ts'
import { hashProof, PROOF_SECONDS } from '../accounts/set-up-link.ts'

const COOKIE = 'set-up-proof'

/** Sets a cookie with which this browser shows for an hour that it has used a set-up link. */
export function keepProof(response: ServerResponse, issuer: string, proof: string): void {
  setCookie(response, COOKIE, proof, { issuer, path: '/' }, { maxAgeSeconds: PROOF_SECONDS })
}

/** The hash of the proof in the cookies of the host's present request. Undefined: there is no such cookie. */
export function shownProof(issuer: string): string | undefined {
  const header = presentContext()?.req.headers.cookie
  const proof = readCookie(header, COOKIE, { issuer, path: '/' })
  return proof === undefined ? undefined : hashProof(proof)
}
