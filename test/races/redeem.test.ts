import { expect } from 'chai'
import { enrol } from '../plugin/enrol.ts'
import { callbackOf, CLIENT } from '../plugin/host.ts'
import { Node } from './nodes.ts'
import { SERVER_PLACES, type Place } from './places.ts'

const AT_ONCE = 50
const BASIC = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}`

async function post(node: Node, path: string, fields: Record<string, string>) {
  const response = await fetch(new URL(path, node.url), {
    method: 'POST',
    headers: { authorization: BASIC },
    body: new URLSearchParams(fields),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

for (const [name, make] of Object.entries(SERVER_PLACES))
  describe(`an authorization code over two nodes in ${name}`, function () {
    this.timeout(60_000)
    let place: Place
    let nodes: readonly Node[] = []

    before(async function () {
      place = await make(this)
      const now = Math.floor(Date.now() / 1000)
      nodes = [await Node.start(place.address, now), await Node.start(place.address, now)]
    })

    after(async () => {
      await Promise.all(nodes.map((node) => node.kill()))
      await place?.remove()
    })

    it('R18 R21 is redeemed once of 100 times, and the others take its tokens with them', async () => {
      const [one, other] = nodes as [Node, Node]
      const { callback } = await enrol(one, one.browser(), 'mira')
      const redeem = (node: Node) =>
        post(node, '/token', {
          grant_type: 'authorization_code',
          code: callbackOf(callback).get('code')!,
          redirect_uri: CLIENT.redirect_uris[0]!,
          code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
        })
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, () => [redeem(one), redeem(other)]).flat(),
      )
      const good = answers.filter(({ status }) => status === 200)
      expect(good).to.have.length(1)
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(answer.json).to.include({ error: 'invalid_grant' })
        expect(answer.status).to.equal(400)
      }
      const token = String(good[0]!.json.access_token)
      for (const node of nodes)
        expect((await post(node, '/token/introspection', { token })).json).to.deep.equal({
          active: false,
        })
    })
  })
