import { expect } from 'chai'
import { createHmac, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { metadataRemark, passkeys } from '../../../src/factors/passkey/index.ts'
import { isOfLevel, readMetadata, type Model } from '../../../src/factors/passkey/metadata.ts'
import { makeCertificate, type Making } from '../../support/attestation-certificates.ts'
import {
  entryOf,
  makeBlob,
  METADATA_ROOT,
  METADATA_SERVICE,
  METADATA_SIGNER,
} from '../../support/metadata-blob.ts'
import { NOW } from './person.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const OTHER_MODEL = '2fc0579f-8113-47ea-b116-bb5a8db9202a'
const ROOTS = [METADATA_ROOT.pem]
const otherRoot = makeCertificate({ name: 'Metadata Root', isCa: true })
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function faultOf(text: string, roots = ROOTS): string | undefined {
  const read = readMetadata(text, roots)
  return 'fault' in read ? read.fault : undefined
}

function modelOf(entry: object): Model {
  const read = readMetadata(makeBlob({ entries: [entry] }), ROOTS)
  if ('fault' in read) throw new Error(read.fault)
  const model = read.models.get(MODEL)
  if (model === undefined) throw new Error('There is no such model')
  return model
}

describe('metadata of makers', () => {
  it('are read where their signature leads to a root, whatever ends the file', () => {
    const text = makeBlob({ entries: [entryOf(MODEL)] })
    const read = readMetadata(`${text}\n`, ROOTS)
    expect(read).to.deep.include({ number: 12, nextUpdate: Date.UTC(2040, 11, 1) / 1000 })
    expect('fault' in read ? [] : [...read.models.keys()]).to.deep.equal([MODEL])
  })

  it('may be signed with each of three algorithms, with a key that fits it', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const signerOf = (keys: Making['keys'] & object) =>
      makeCertificate({ name: METADATA_SERVICE, issuer: METADATA_ROOT, keys })
    const es384 = { algorithm: 'ES384', hash: 'sha384' }
    expect(faultOf(makeBlob({ ...es384, signer: signerOf(p384) }))).to.equal(undefined)
    expect(faultOf(makeBlob({ algorithm: 'RS256', signer: signerOf(rsa) }))).to.equal(undefined)
    for (const blob of [
      { algorithm: 'RS256', signer: signerOf(short) },
      { algorithm: 'RS256' },
      { algorithm: 'ES256', signer: signerOf(p384) },
      es384,
    ])
      expect(faultOf(makeBlob(blob))).to.match(/^has a signature that does not hold/)
  })

  it('may have certificates between that of the signer and the root', () => {
    const between = makeCertificate({ name: 'Between', issuer: METADATA_ROOT, isCa: true })
    const signer = makeCertificate({ name: METADATA_SERVICE, issuer: between })
    const chain = (...more: readonly { readonly der: Buffer }[]) => ({
      x5c: [signer, ...more].map(({ der }) => der.toString('base64')),
    })
    expect(faultOf(makeBlob({ signer, header: chain(between) }))).to.equal(undefined)
    expect(faultOf(makeBlob({ signer, header: chain(between, METADATA_ROOT) }))).to.equal(undefined)
    expect(faultOf(makeBlob({ signer }))).to.match(/lead to none of metadataRoots$/)
  })

  const text = makeBlob()
  const [header = '', body = '', signature = ''] = text.split('.')
  const none = encoded({ alg: 'none', x5c: [METADATA_SIGNER.der.toString('base64')] })
  const shared = encoded({ alg: 'HS256', x5c: [METADATA_SIGNER.der.toString('base64')] })
  const mac = createHmac('sha256', METADATA_SIGNER.pem).update(`${shared}.${body}`)
  const unsigned: readonly (readonly [string, string, RegExp])[] = [
    ['that are no JWT', 'Not found', /^is no signed JWT/],
    ['of a file without content', ' ', /^is no signed JWT/],
    ['whose header is no JSON', `eyJ.${body}.${signature}`, /^is no signed JWT/],
    ['whose header is no object', `${encoded(7)}.${body}.${signature}`, /^is no signed JWT/],
    ['without a signature', `${header}.${body}.`, /^is no signed JWT/],
    ['without the part of the signature', `${header}.${body}`, /^is no signed JWT/],
    ['without a content', `${header}..${signature}`, /^is no signed JWT/],
    ['with a part more', `${text}.${signature}`, /^is no signed JWT/],
    ['with the algorithm none', `${none}.${body}.${signature}`, /^is not signed with one of ES256/],
    [
      'with a shared secret',
      `${shared}.${body}.${mac.digest('base64url')}`,
      /^is not signed with one of ES256, ES384, RS256$/,
    ],
    ['with a critical header', makeBlob({ header: { crit: ['b64'] } }), /critical header/],
    ['without certificates', makeBlob({ header: { x5c: undefined } }), /has no certificates/],
    ['with an empty list of certificates', makeBlob({ header: { x5c: [] } }), /no certificates/],
    ['with certificates that are no text', makeBlob({ header: { x5c: [7] } }), /no certificates/],
    [
      'with certificates that cannot be read',
      makeBlob({ header: { x5c: ['AA=='] } }),
      /lead to none/,
    ],
    [
      'of another signer',
      makeBlob({ signer: makeCertificate({ name: METADATA_SERVICE, issuer: otherRoot }) }),
      /^has certificates that lead to none of metadataRoots$/,
    ],
    [
      'of somebody else who has a certificate of the same root',
      makeBlob({ signer: makeCertificate({ name: 'www.acme.example', issuer: METADATA_ROOT }) }),
      /^is signed with a certificate that is not that of mds\.fidoalliance\.org$/,
    ],
    ['signed with another key', makeBlob({ key: otherRoot.privateKey }), /signature that does not/],
    [
      'that were changed',
      `${header}.${encoded({ no: 13 })}.${signature}`,
      /signature that does not/,
    ],
  ]
  for (const [what, blob, fault] of unsigned)
    it(`are refused: those ${what}`, () => {
      expect(faultOf(blob)).to.match(fault)
    })

  const unread: readonly (readonly [string, Parameters<typeof makeBlob>[0]])[] = [
    ['no must be a whole number', { number: '12' }],
    ['no must be a whole number', { content: [] }],
    ['nextUpdate must be a date', { nextUpdate: 7 }],
    ['nextUpdate must be a date', { nextUpdate: 'soon' }],
    ['nextUpdate must be a date', { nextUpdate: '2026-13-01' }],
    ['entries must be a list', { entries: {} }],
    ['entries[0].statusReports must be a list', { entries: [{ aaguid: MODEL }] }],
    [
      'entries[0].statusReports must have a status each',
      { entries: [{ aaguid: MODEL, statusReports: [null] }] },
    ],
  ]
  for (const [nth, [problem, blob]] of unread.entries())
    it(`are refused with a content that cannot be read: ${problem} (${nth + 1})`, () => {
      expect(faultOf(makeBlob(blob))).to.include(`has a content that cannot be read: ${problem}`)
    })

  it('skip the entry of an id that is none', () => {
    const ids = ['key', 7, null, MODEL.replaceAll(/[^-]/g, '0')]
    const odd = ids.map((aaguid) => ({ ...entryOf(MODEL), aaguid }))
    const read = readMetadata(makeBlob({ entries: [...odd, entryOf(OTHER_MODEL)] }), ROOTS)
    expect('models' in read && [...read.models.keys()]).to.deep.equal([OTHER_MODEL])
  })

  it('attest nothing by a statement that cannot be read, and keep its reports', () => {
    const odd = (metadataStatement: unknown) =>
      modelOf({
        ...entryOf(MODEL, { reports: ['REVOKED', 'FIDO_CERTIFIED_L2'] }),
        metadataStatement,
      })
    for (const statement of [
      undefined,
      7,
      { attestationRootCertificates: [7], keyProtection: 'hardware' },
    ])
      expect(odd(statement)).to.deep.equal({
        anchors: [],
        level: 3,
        wasCertified: true,
        isUndesired: true,
        isHardware: false,
      })
  })

  it('attest nothing where two entries are about one model, and keep the warning of either', () => {
    const revoked = entryOf(MODEL.toUpperCase(), { reports: ['REVOKED'] })
    for (const entries of [
      [entryOf(MODEL), revoked],
      [revoked, entryOf(MODEL)],
    ]) {
      const read = readMetadata(makeBlob({ entries }), ROOTS)
      expect('models' in read && read.models.get(MODEL)).to.deep.equal({
        anchors: [],
        level: 0,
        wasCertified: false,
        isUndesired: true,
        isHardware: false,
      })
    }
  })

  it('are refused with a content that is no object', () => {
    expect(faultOf(makeBlob({ content: 7 }))).to.equal('has a content that is no JSON object')
  })

  it('leave out authenticators of older protocols, and need no statement about a model', () => {
    const old = { aaid: '4e4e#4005', statusReports: [] }
    const read = readMetadata(
      makeBlob({ entries: [old, { aaguid: MODEL, statusReports: [] }] }),
      ROOTS,
    )
    expect('fault' in read ? [] : [...read.models]).to.deep.equal([
      [
        MODEL,
        { anchors: [], level: 0, wasCertified: false, isUndesired: false, isHardware: false },
      ],
    ])
  })

  it('are read anew with other roots', () => {
    const blob = makeBlob()
    expect(faultOf(blob)).to.equal(undefined)
    expect(faultOf(blob, [otherRoot.pem])).to.match(/lead to none/)
    expect(faultOf(blob)).to.equal(undefined)
  })
})

describe('the level of a model', () => {
  const names = [
    'FIDO_CERTIFIED_L1',
    'FIDO_CERTIFIED_L1plus',
    'FIDO_CERTIFIED_L2',
    'FIDO_CERTIFIED_L2plus',
    'FIDO_CERTIFIED_L3',
    'FIDO_CERTIFIED_L3plus',
  ]
  const isOf = (level: string, reports: Parameters<typeof entryOf>[1] = {}) =>
    isOfLevel(modelOf(entryOf(MODEL, reports)), level)

  it('includes the lower ones', () => {
    for (const [place, certified] of names.entries())
      for (const [other, level] of names.entries())
        expect(isOf(level, { reports: [certified] }), `${certified} ${level}`).to.equal(
          place >= other,
        )
    expect(isOf(MODEL)).to.equal(false)
  })

  it('is the first one for the certificate of former years', () => {
    expect(isOf('FIDO_CERTIFIED_L1', { reports: ['FIDO_CERTIFIED'] })).to.equal(true)
    expect(isOf('FIDO_CERTIFIED_L1plus', { reports: ['FIDO_CERTIFIED'] })).to.equal(false)
    expect(isOf('FIDO_CERTIFIED', { reports: ['FIDO_CERTIFIED_L1'] })).to.equal(true)
  })

  it('is that of the latest report about the certification', () => {
    const L1 = 'FIDO_CERTIFIED_L1'
    const on = (status: string, effectiveDate: string) => ({ status, effectiveDate })
    const cases: readonly (readonly [
      boolean,
      NonNullable<Parameters<typeof entryOf>[1]>['reports'],
    ])[] = [
      [true, [on('FIDO_CERTIFIED_L2', '2024-05-01'), on(L1, '2021-05-01')]],
      [false, [on('FIDO_CERTIFIED_L2', '2021-05-01'), on(L1, '2024-05-01')]],
      [true, [on(L1, '2024-05-01'), 'FIDO_CERTIFIED_L2']],
      [true, [L1, 'FIDO_CERTIFIED_L2']],
      [false, ['FIDO_CERTIFIED_L2', 'NOT_FIDO_CERTIFIED']],
      [true, ['NOT_FIDO_CERTIFIED', 'FIDO_CERTIFIED_L2']],
      [true, ['FIDO_CERTIFIED_L2', 'UPDATE_AVAILABLE', 'FIPS140_CERTIFIED_L1', 'NEW_STATUS']],
      [false, [on(L1, '2024-05-01'), { status: 'FIDO_CERTIFIED_L2', effectiveDate: '2020-01-01' }]],
      [true, [on(L1, '2024-05-01'), on('FIDO_CERTIFIED_L2', 'later')]],
      [true, [on('FIDO_CERTIFIED_L2', '2019-04-04'), on('FIDO_CERTIFIED', '2019-04-04')]],
      [true, [on('FIDO_CERTIFIED', '2019-04-04'), on('FIDO_CERTIFIED_L2', '2019-04-04')]],
      [true, [on('FIDO_CERTIFIED', '2024-04-04'), on('FIDO_CERTIFIED_L2', '2019-04-04')]],
      [false, [on('FIDO_CERTIFIED', '2024-04-04'), on('NOT_FIDO_CERTIFIED', '2019-04-04')]],
      [false, ['SELF_ASSERTION_SUBMITTED']],
      [false, []],
    ]
    for (const [expected, reports = []] of cases)
      expect(isOf('FIDO_CERTIFIED_L2', { reports }), JSON.stringify(reports)).to.equal(expected)
  })
})

describe('old metadata', () => {
  const DAY = 86_400
  const due = Date.UTC(2027, 2, 1) / 1000

  it('still count, and say that they are old from the day after', () => {
    const given = { metadata: makeBlob({ nextUpdate: '2027-03-01' }), metadataRoots: ROOTS }
    expect(metadataRemark(given, due + DAY - 1)).to.equal(undefined)
    expect(metadataRemark(given, due + DAY)).to.equal(
      'are old: number 12 was to be replaced by 2027-03-01; download the file again',
    )
    expect(metadataRemark({}, due)).to.equal(undefined)
    expect(metadataRemark({ metadata: 'none', metadataRoots: ROOTS }, due)).to.equal(undefined)
  })

  it('say that the certificates of their signer are not valid', () => {
    const ended = makeCertificate({ name: METADATA_SERVICE, issuer: METADATA_ROOT, until: 2021 })
    const given = { metadata: makeBlob({ signer: ended }), metadataRoots: ROOTS }
    expect(metadataRemark(given, NOW)).to.match(/^are signed with certificates that are not valid/)
    expect(metadataRemark(given, Date.UTC(2020, 6) / 1000)).to.equal(undefined)
  })

  it('say 14 days before that these certificates end', () => {
    const ending = makeCertificate({ name: METADATA_SERVICE, issuer: METADATA_ROOT, until: 2021 })
    const given = { metadata: makeBlob({ signer: ending }), metadataRoots: ROOTS }
    const end = Date.parse(new X509Certificate(ending.pem).validTo) / 1000
    expect(metadataRemark(given, end - 14 * DAY)).to.equal(undefined)
    for (const now of [end - 14 * DAY + 1, end])
      expect(metadataRemark(given, now)).to.match(
        /^are signed with certificates that end within 14 days/,
      )
    expect(metadataRemark(given, end + 1)).to.match(/not valid now/)
  })
})

describe('the options about metadata', () => {
  const metadata = makeBlob()
  const both = { metadata, metadataRoots: ROOTS }
  const direct = { attestation: 'direct' } as const
  const making = (options: object) => () => passkeys(options)

  it('need a statement, roots and each other', () => {
    expect(making({ ...direct, ...both })).not.to.throw()
    const cases: readonly (readonly [object, string])[] = [
      [both, 'metadata needs attestation: direct, because there is no statement otherwise'],
      [{ ...direct, metadata }, 'metadataRoots must be there with metadata: anybody can sign some'],
      [{ ...direct, metadata, metadataRoots: [] }, 'metadataRoots must be there with metadata'],
      [{ ...direct, metadataRoots: ROOTS }, 'metadataRoots needs metadata'],
      [
        { ...direct, metadata, metadataRoots: METADATA_ROOT.pem },
        'metadataRoots must be a list of',
      ],
      [{ ...direct, metadata: '', metadataRoots: ROOTS }, 'metadata must be the text of a file'],
      [{ ...direct, metadata: 7, metadataRoots: ROOTS }, 'metadata must be the text of a file'],
      [
        { ...direct, ...both, metadataRoots: [otherRoot.pem] },
        'metadata has certificates that lead',
      ],
      [{ ...direct, ...both, metadata: 'Not found' }, 'metadata is no signed JWT'],
    ]
    for (const [options, fault] of cases)
      expect(making(options), fault)
        .to.throw(`passkeys: ${fault}`)
        .with.property('code', 'options-invalid')
  })

  it('are needed for a level, which is a name of its own', () => {
    const allow = ['FIDO_CERTIFIED_L2', OTHER_MODEL]
    expect(making({ ...direct, ...both, allow })).not.to.throw()
    expect(making({ ...direct, trustRoots: [otherRoot.pem], allow })).to.throw(
      'passkeys: allow has a level, which needs metadata',
    )
    expect(making({ ...direct, allow })).to.throw(
      'passkeys: allow needs attestation: direct, and trustRoots or metadata',
    )
    for (const wrong of ['FIDO_CERTIFIED_L9', 'fido_certified_l2', 'REVOKED', 7, [MODEL]])
      expect(making({ ...direct, ...both, allow: [wrong] }), String(wrong)).to.throw(
        'passkeys: allow must be a list of one or more AAGUIDs',
      )
  })
})
