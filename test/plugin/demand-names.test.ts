import { expect } from 'chai'
import type { PolicyExplanation } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { showPassword, startHost, type Host } from './host.ts'

describe('the name of a demand that `require` answers', () => {
  let host: Host
  let answer: unknown

  before(async () => {
    host = await startHost({
      mfa: {
        require: () => answer,
        policy: { rules: [{ name: 'staff', when: { client: 'other' }, require: 'multi-factor' }] },
      },
    })
  })
  after(() => host.close())

  const explained = async (): Promise<PolicyExplanation> => {
    const client = (await host.provider.Client.find('app'))!
    const account = { accountId: 'mira', claims: () => ({ sub: 'mira' }) }
    return host.mfa.policy.explain({ account, client })
  }
  const namesIn = ({ rules }: PolicyExplanation): readonly unknown[] =>
    rules.map(({ name }) => name)

  it('is its own where no rule has it', async () => {
    answer = [{ name: 'by the calendar' }, {}]
    const names = ['set up by the person', 'by the calendar', 'require', 'staff']
    expect(namesIn(await explained())).to.deep.equal(names)
  })

  for (const name of [
    'set up by the person',
    ' set up by the person ',
    'imported without its second factor',
    'account pages',
    'require',
    'staff',
    ' ',
    'x'.repeat(101),
    { first: 'Mira' },
  ])
    it(`is \`require\` in place of ${JSON.stringify(name).slice(0, 40)}, and the demand holds`, async () => {
      for (answer of [{ name }, [{ name }]]) {
        const found = await explained()
        expect(found).to.include({ decision: 'enrol', reason: 'policy' })
        expect(namesIn(found)).to.deep.equal(['set up by the person', 'require', 'staff'])
      }
    })

  for (const faulty of [
    [],
    { enrol: 'optional' },
    [{ requir: 'phishing-resistant' }],
    [true],
    { require: 2 },
    { require: 'phishing-resistent' },
    [{ require: 'multi-factor' }, { require: 'phr' }],
    { maxAgeSeconds: -1 },
    { trustedBrowserSeconds: 60 },
  ])
    it(`is never read from the faulty answer ${JSON.stringify(faulty)}, which lets nobody through`, async () => {
      answer = faulty
      const refused = await explained().catch((error: unknown) => error)
      expect(refused).to.include({ code: 'options-invalid' })
      expect((refused as Error).message).to.match(/^require: /)
      const page = await showPassword(host, new HttpClient(), 'mira')
      expect(page.status).to.equal(500)
      expect(page.body).to.include('options-invalid')
    })

  it('stays, and a level that does not exist is named in the refusal', async () => {
    answer = { name: 'by the calendar', require: 'multi-facter' }
    const refused = await explained().catch((error: unknown) => error)
    expect((refused as Error).message).to.match(
      /\n- require names no level: "multi-facter" \(did you mean "multi-factor"\?\); there are password, multi-factor$/,
    )
  })
})
