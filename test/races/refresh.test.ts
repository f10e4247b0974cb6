import { expect } from 'chai'
import { REPEAT_SECONDS } from '../../src/domain/refresh.ts'
import { enrol } from '../plugin/enrol.ts'
import { callbackOf, follow, PUBLIC_CLIENT } from '../plugin/host.ts'
import { Node } from './nodes.ts'
import { SERVER_PLACES, type Place } from './places.ts'

const AT_ONCE = 6

async function token(node: Node, fields: Record<string, string>) {
  const response = await fetch(new URL('/token', node.url), {
    method: 'POST',
    body: new URLSearchParams({ client_id: PUBLIC_CLIENT.client_id, ...fields }),
  })
  return (await response.json()) as Record<string, string>
}

for (const [name, make] of Object.entries(SERVER_PLACES))
  describe(`a refresh token over two nodes in ${name}`, function () {
    this.timeout(60_000)
    let place: Place
    let nodes: readonly Node[] = []
    let people = 0

    before(async function () {
      place = await make(this)
      const now = Math.floor(Date.now() / 1000)
      nodes = [await Node.start(place.address, now), await Node.start(place.address, now)]
    })

    after(async () => {
      await Promise.all(nodes.map((node) => node.kill()))
      await place?.remove()
    })

    async function signedIn(): Promise<string> {
      const [node] = nodes as [Node]
      const browser = node.browser()
      people += 1
      const { callback: consent } = await enrol(node, browser, `mira${people}`, {
        client_id: PUBLIC_CLIENT.client_id,
        scope: 'openid email offline_access',
        prompt: 'consent',
      })
      const callback = await follow(node, browser, await browser.submit(consent))
      const { refresh_token: first = '' } = await token(node, {
        grant_type: 'authorization_code',
        code: callbackOf(callback).get('code')!,
        redirect_uri: PUBLIC_CLIENT.redirect_uris[0]!,
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      })
      return first
    }

    const use = (node: Node, refreshToken: string) =>
      token(node, { grant_type: 'refresh_token', refresh_token: refreshToken })

    const useAtOnce = (refreshToken: string) =>
      Promise.all(Array.from({ length: AT_ONCE }, (_, at) => use(nodes[at % 2]!, refreshToken)))

    async function moveClock(seconds: number): Promise<void> {
      for (const node of nodes) await node.setClock(node.clock.at + seconds)
    }

    it('R18 R21 is replaced by one token for six requests at once, round after round', async () => {
      let current = await signedIn()
      for (let round = 0; round < 5; round += 1) {
        const answers = await useAtOnce(current)
        const replaced = new Set(answers.map(({ refresh_token: next }) => next))
        expect([...replaced], JSON.stringify(answers)).to.have.length(1)
        expect(replaced).not.to.include(current)
        for (const { access_token: access } of answers) expect(access).to.be.a('string')
        current = answers[0]!.refresh_token!
      }
    })

    it('R18 R21 ends its family if six requests at once come later than ten seconds after its use', async () => {
      const old = await signedIn()
      const { refresh_token: current = '' } = await use(nodes[0]!, old)
      await moveClock(REPEAT_SECONDS + 1)
      for (const { error } of await useAtOnce(old)) expect(error).to.equal('invalid_grant')
      expect((await use(nodes[1]!, current)).error).to.equal('invalid_grant')
    })
  })
