import { expect } from 'chai'
import { pathToLog } from '../../../src/server/observe/path-to-log.ts'

const TOKEN = 'u7-Xq_9dKp2mVwRtYbNcZaLs3fGhJk8oQeTi5xCv4Bw'

describe('R31 the path of a request in the log', () => {
  for (const [written, logged] of [
    [`/set-up/${TOKEN}`, '/set-up/…'],
    [`/SET-UP/${TOKEN}`, '/SET-UP/…'],
    [`//set-up/${TOKEN}`, '//set-up/…'],
    [`/set%2Dup/${TOKEN}`, '/set-up/…'],
    [`/set-up%2F${TOKEN}`, '/set-up/…'],
    [`/set-up/${TOKEN}/`, '/set-up/…/'],
    [`/set-up/x${TOKEN};v=1`, '/set-up/…;v=1'],
    [`/interaction/${TOKEN}/consent`, '/interaction/…/consent'],
    [`/nowhere/${TOKEN.slice(0, 20)}`, '/nowhere/…'],
  ] as const)
    it(`of ${written.replace(TOKEN, 'TOKEN')} has no token`, () => {
      expect(pathToLog(written)).to.equal(logged)
    })

  for (const encoding of [
    (letter: string) => `%${letter.charCodeAt(0).toString(16)}`,
    (letter: string) => `%25${letter.charCodeAt(0).toString(16)}`,
    (letter: string) => `%2525${letter.charCodeAt(0).toString(16)}`,
  ])
    it(`has no token that is written as ${encoding('u')}…`, () => {
      const part = [...TOKEN].map(encoding).join('')
      expect(pathToLog(`/set-up/${part}`)).to.equal('/set-up/…')
      // In this token only every second letter is encoded.
      const mixed = [...TOKEN]
        .map((letter, i) => (i % 2 === 0 ? letter : encoding(letter)))
        .join('')
      expect(pathToLog(`/set-up/${mixed}`)).to.equal('/set-up/…')
    })

  it('has no token beside bytes that cannot be decoded', () => {
    const logged = pathToLog(`/set-up/${TOKEN.slice(0, 10)}%ff${TOKEN.slice(10)}`)
    expect(logged).to.equal('/set-up/…')
  })

  for (const path of ['/auth', '/token', '/.well-known/openid-configuration', '/health/ready'])
    it(`of ${path} is logged as it is`, () => {
      expect(pathToLog(path)).to.equal(path)
    })
})
