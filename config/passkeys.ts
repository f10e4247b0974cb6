import { z } from 'zod'
import {
  metadataFaults,
  metadataRemark,
  passkeysFaults,
  passkeysWorkAt,
  rpIdFault,
  type PasskeysOptions,
} from '../src/factors/passkey/options.ts'
import { reason, type Fault } from './fault.ts'
import { custom, flag } from './option.ts'

/** An option of `passkeys()`, which reads it: `faultsOfGroup` has its faults. */
const given = <Name extends keyof PasskeysOptions>() => z.custom<PasskeysOptions[Name]>().optional()

/** The group `passkeys` of CONFIG_FILE: the options of the factor, and whether it is offered. */
export const passkeyOptions = {
  enabled: flag({
    default: true,
    doc: 'Whether people can set up and use passkeys.',
  }),
  rpId: custom({
    schema: given<'rpId'>(),
    type: 'domain',
    default: "the issuer's host",
    bounds: 'that host or a parent domain of it',
    doc: 'The domain to which passkeys are bound. With another one, the passkeys that people have no longer work.',
  }),
  rpName: custom({
    schema: given<'rpName'>(),
    type: 'text',
    default: '`service.name`',
    bounds: '1 to 64 characters',
    doc: 'The name of the service that browsers show beside a passkey.',
  }),
  origins: custom({
    schema: given<'origins'>(),
    type: 'list of origins',
    default: 'none',
    doc: "The origins whose pages may ask for a passkey, beside the issuer's.",
  }),
  userVerification: custom({
    schema: given<'userVerification'>(),
    type: 'choice',
    default: 'preferred',
    bounds: 'required, preferred, discouraged',
    doc: 'Whether the device has to verify its user; a passkey without that counts as one kind of factor.',
  }),
  attestation: custom({
    schema: given<'attestation'>(),
    type: 'choice',
    default: 'none',
    bounds: 'none, direct',
    doc: 'Whether the browser is asked for a statement about the authenticator.',
  }),
  allow: custom({
    schema: given<'allow'>(),
    type: 'list of AAGUIDs and levels',
    default: 'every model',
    bounds: 'needs `attestation` direct, and `trustRoots` or `metadataFile`',
    doc: 'The models of authenticators that people may have, registered and used; a level, such as `FIDO_CERTIFIED_L2`, is that of the metadata.',
  }),
  trustRoots: custom({
    schema: given<'trustRoots'>(),
    type: 'list of certificates',
    default: 'none',
    bounds: 'PEM texts; needs `attestation` direct',
    doc: 'The root certificates of the makers: a passkey whose statement leads to one of them is attested.',
  }),
  metadataFile: custom({
    schema: z.string('must name a file').min(1, 'must name a file').optional(),
    type: 'file',
    default: 'none',
    bounds: 'needs `attestation` direct and `metadataRoots`',
    doc: 'The file of the FIDO Metadata Service as it was downloaded; each model in it is attested by the certificates of its own entry.',
  }),
  metadataRoots: custom({
    schema: given<'metadataRoots'>(),
    type: 'list of certificates',
    default: 'none',
    bounds: 'PEM texts; needs `metadataFile`',
    doc: 'The root certificates to one of which the signature of `metadataFile` has to lead.',
  }),
  algorithms: custom({
    schema: given<'algorithms'>(),
    type: 'list of integers',
    default: '-8, -7, -257',
    bounds: '-8, -7, -257',
    doc: 'The COSE algorithms that a new passkey may have, the preferred one first.',
  }),
  offer: custom({
    schema: given<'offer'>(),
    type: 'boolean',
    default: 'true',
    doc: 'Whether a person without a passkey is offered one after a sign-in with a password and a code.',
  }),
}

/** The group as it was parsed. */
export type PasskeyGroup = {
  readonly enabled: boolean
  readonly metadataFile?: string | undefined
} & {
  readonly [Name in Exclude<keyof PasskeysOptions, 'metadata'>]: PasskeysOptions[Name] | undefined
} & MetadataText

/** The content of `metadataFile`. Absent: it was not read, or there is none. */
export interface MetadataText {
  readonly metadata?: string
}

/** The options for `passkeys()`: those that are set. */
export function optionsOf({
  enabled: _,
  metadataFile: __,
  ...options
}: PasskeyGroup): PasskeysOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Every fault of the group, by the names of its options. The file of the metadata is not read yet. */
export function faultsOfGroup(
  settings: PasskeyGroup,
): readonly { readonly option: string; readonly problem: string }[] {
  const { metadataFile } = settings
  const options = metadataFile === undefined ? {} : { metadata: 'not read yet' }
  return passkeysFaults({ ...optionsOf(settings), ...options }).map(({ option, problem }) => ({
    option: option === 'metadata' ? 'metadataFile' : option,
    problem,
  }))
}

/** Reads the file of the metadata into the group. Adds a fault if it cannot be read, or is not signed. */
export function readMetadataFile<Group extends PasskeyGroup>(
  group: Group,
  readFile: (path: string) => string,
  faults: Fault[],
): Group {
  const { metadataFile: path, metadataRoots } = group
  if (path === undefined) return group
  const add = (problem: string): void =>
    void faults.push({
      setting: 'CONFIG_FILE passkeys.metadataFile',
      problem: `${path} ${problem}`,
    })
  let metadata: string
  try {
    metadata = readFile(path)
  } catch (cause) {
    add(`cannot be read: ${reason(cause)}`)
    return group
  }
  for (const { problem } of metadataFaults({ metadata, metadataRoots })) add(problem)
  return { ...group, metadata }
}

/** The advice to an operator whose metadata get old. Undefined: they are new, or passkeys are not offered. */
export function remarkOnMetadata(
  group: PasskeyGroup,
  issuer: string,
  now: number,
): string | undefined {
  return arePasskeysOffered(group, issuer) ? metadataRemark(group, now) : undefined
}

/** The fault of an `rpId` that does not fit the issuer. A group that is off has none. */
export function faultsWithIssuer({ enabled, rpId }: PasskeyGroup, issuer: string): Fault[] {
  const fault = enabled ? rpIdFault(rpId, issuer) : undefined
  if (fault === undefined) return []
  return [
    {
      setting: 'CONFIG_FILE passkeys.rpId',
      problem: `${fault}: leave it out, name one of these, or correct ISSUER`,
    },
  ]
}

/** Whether passkeys are offered: they are on, and browsers know them at the issuer. */
export function arePasskeysOffered({ enabled }: PasskeyGroup, issuer: string): boolean {
  return enabled && passkeysWorkAt(issuer)
}

/** Why passkeys are not offered although they are on. Undefined: they are offered, or off. */
export function whyNotOffered({ enabled }: PasskeyGroup, issuer: string): string | undefined {
  return enabled && !passkeysWorkAt(issuer)
    ? 'are not offered: browsers know them on https:// with the name of a host, and on http://localhost, and not at this ISSUER; set it to such an address, or passkeys.enabled to false'
    : undefined
}
