import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { show, type Visit } from '../../interactions/mfa/visit.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { enrolled, NOW } from '../domain/records.ts'
import { corePolicy } from './core-policy.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })

interface Given {
  readonly label?: string
  readonly ofIssuer?: boolean
  readonly params?: object
  readonly proved?: boolean
  readonly links?: object
  readonly manageUrl?: string
}

/** Shows a page; returns the facts around it, its headers and its status. */
async function shownWith(given: Given = {}, status?: number) {
  const { label = 'mira', ofIssuer = false, params = {}, proved = false } = given
  const rendered: unknown[][] = []
  const headers: Record<string, string> = {}
  const core = {
    ...corePolicy,
    deps: { box, clock: { now: () => NOW } },
    provider: { issuer: 'https://id.example' },
    path: '/mfa',
    serviceName: 'Acme',
    links: given.links ?? {},
    manageUrl: given.manageUrl,
    views: { render: async (...asked: unknown[]) => (rendered.push(asked), '<html>') },
  } as unknown as Core
  const accepted = { interaction: 'the-hash', factor: 'totp', at: NOW, epoch: 1 }
  const record = {
    ...(proved ? enrolled() : newRecord('mira')),
    accepted: proved ? [accepted] : [],
  }
  const ctx = { status: 0, type: '', body: '', set: (all: object) => Object.assign(headers, all) }
  const visit = {
    core,
    ctx,
    interaction: { uid: 'uid', params },
    details: { label, client: { ofIssuer, name: 'Fieldnotes' } },
    seen: { record },
    place: { interaction: 'the-hash' },
    locale: 'de',
  } as unknown as Visit
  await show(visit, 'mfa-offer', { some: 'model' } as never, status)
  const [page, model, around] = rendered[0] ?? []
  return { ctx, headers, page, model, around: around as Record<string, Record<string, unknown>> }
}

describe('what surrounds a page of the second factor', () => {
  it('is the service, the language, the app and the person', async () => {
    const { ctx, page, model, around } = await shownWith()
    expect([ctx.status, ctx.type, ctx.body]).to.deep.equal([200, 'html', '<html>'])
    expect([page, model]).to.deep.equal(['mfa-offer', { some: 'model' }])
    expect(around).to.deep.include({
      issuerName: 'Acme',
      locale: 'de',
      client: { name: 'Fieldnotes' },
      links: { home: '/' },
    })
    expect(around['account']).to.include({ label: 'mira', initials: 'M' })
    expect((await shownWith({}, 422)).ctx.status).to.equal(422)
  })

  it('is no app where the issuer itself asks', async () => {
    expect((await shownWith({ ofIssuer: true })).around).not.to.have.property('client')
  })

  it('leads home to the page for factors, or to where the application says', async () => {
    const manageUrl = 'https://app.example/account'
    expect((await shownWith({ manageUrl })).around['links']).to.deep.equal({ home: manageUrl })
    const links = { home: '/start', help: '/help' }
    expect((await shownWith({ manageUrl, links })).around['links']).to.deep.equal(links)
  })

  it('has the initials of the first and the last name', async () => {
    for (const [label, initials] of [
      ['mira.k@example.com', 'MK'],
      ['mira anna kovač', 'MK'],
      ['ödön', 'Ö'],
      ['😀', ''],
      ['', ''],
      ['@example.com', ''],
    ] as const)
      expect((await shownWith({ label })).around['account']).to.include({ label, initials })
  })

  it('has "Not you?" until the second factor is proved', async () => {
    const { around } = await shownWith()
    expect(around['account']).to.have.nested.property('notYou.action', '/mfa/uid/not-you')
    expect((await shownWith({ proved: true })).around['account']).not.to.have.property('notYou')
  })

  it('R30 is a policy that lets the page lead to the app alone', async () => {
    const policyOf = async (params: object): Promise<string> =>
      JSON.stringify((await shownWith({ params })).headers)
    expect(await policyOf({})).to.contain('form-action')
    expect(await policyOf({ redirect_uri: 'https://app.example/cb' })).not.to.contain('form-action')
  })
})
