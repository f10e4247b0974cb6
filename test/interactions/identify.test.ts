import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { answerIdentification, openIdentification } from '../../interactions/login/identify.ts'
import { world } from '../application/world.ts'
import { namedKeyFactor, type ChallengeFactor } from '../../src/testing/factors.ts'
import { corePolicy } from './core-policy.ts'

/** A factor that notes what it is asked. */
function notingFactor(changes: object = {}) {
  const calls: { name: string; given: unknown }[] = []
  const factor = {
    ...namedKeyFactor(),
    challenge: (states: unknown, { locale }: { locale?: string }) => {
      calls.push({ name: 'challenge', given: { states, locale } })
      return { value: { challenge: 'the-challenge' } }
    },
    describeVerification: (states: unknown, challenge: object) => ({ states, ...challenge }),
    examine: async (given: object) => {
      calls.push({ name: 'examine', given })
      return { outcome: 'refused' as const }
    },
    ...changes,
  } as unknown as ChallengeFactor
  return { calls, factor }
}

/** A login page in the interaction `prompt`, with `params` of its authorization request. */
function loginPage(factor: object, { prompt = 'login', params = {} } = {}) {
  const of = world({ listed: [factor as never] })
  const interaction = {
    uid: 'uid',
    prompt: { name: prompt },
    params,
    result: undefined as Record<string, unknown> | undefined,
    persist: async () => undefined,
  }
  const core = {
    ...corePolicy,
    deps: of.deps,
    provider: { interactionDetails: async () => interaction },
    views: {
      localeFor: ({ uiLocales, acceptLanguage }: Record<string, string | undefined>) =>
        `${uiLocales} of ${acceptLanguage}`,
    },
  } as unknown as Core
  const request = { headers: { 'accept-language': 'de' } } as never
  return {
    of,
    interaction,
    open: (id = 'test-named-key') => openIdentification(core, request, {} as never, id),
    answer: (form: object) =>
      answerIdentification(core, request, {} as never, {
        factorId: 'test-named-key',
        form: form as never,
      }),
  }
}
const reasonOf = async (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
const RESPONSE = { handle: 'a-handle', counter: 1, userVerified: true, signature: 'x' }

describe('the challenge of a credential that names its owner', () => {
  it('is made for nobody yet, in the language of the page', async () => {
    for (const [params, locale] of [
      [{}, 'undefined of de'],
      [{ ui_locales: 'fr' }, 'fr of de'],
      [{ ui_locales: ['fr'] }, 'undefined of de'],
    ] as const) {
      const { calls, factor } = notingFactor()
      const shown = await loginPage(factor, { params }).open()
      expect(shown).to.deep.equal({ states: [], challenge: 'the-challenge' })
      expect(calls).to.deep.equal([{ name: 'challenge', given: { states: [], locale } }])
    }
  })

  it('may have nothing to show', async () => {
    const { factor } = notingFactor({ describeVerification: undefined })
    expect(await loginPage(factor).open()).to.deep.equal({})
  })

  it('is missing by name where the factor makes none', async () => {
    const { factor } = notingFactor({ challenge: () => undefined })
    const error = await reasonOf(loginPage(factor).open())
    expect(error).to.have.property('message').that.contains('has made no challenge')
  })

  it('is there for factors alone whose responses name their owner', async () => {
    const named = loginPage(notingFactor().factor)
    expect(await reasonOf(named.open('another'))).to.include({ code: 'options-invalid' })
    const nameless = loginPage(notingFactor({ identify: undefined }).factor)
    expect(await reasonOf(nameless.open())).to.include({ code: 'options-invalid' })
  })

  it('answers the login prompt alone', async () => {
    for (const prompt of ['mfa', 'consent', '']) {
      const page = loginPage(notingFactor().factor, { prompt })
      for (const attempt of [page.open(), page.answer({})])
        expect(await reasonOf(attempt)).to.include({ code: 'wrong-prompt', status: 410 })
    }
  })
})

describe('the response of a credential that names its owner', () => {
  it('R33 is examined against nothing where no account has it, with the challenge and the clock', async () => {
    const { calls, factor } = notingFactor()
    const page = loginPage(factor)
    await page.open()
    expect(await page.answer({ credential: JSON.stringify(RESPONSE) })).to.equal(undefined)
    const [, examined] = calls
    expect(examined?.given).to.deep.equal({
      states: [],
      challenge: { challenge: 'the-challenge' },
      response: RESPONSE,
      now: page.of.clock.now(),
      hasher: page.of.deps.hasher,
    })
  })

  it('R28 is not examined without an open challenge, or where it cannot be read', async () => {
    const { calls, factor } = notingFactor()
    const page = loginPage(factor)
    expect(await page.answer({ credential: JSON.stringify(RESPONSE) })).to.equal(undefined)
    await page.open()
    expect(await page.answer({ credential: '{' })).to.equal(undefined)
    expect(calls.map(({ name }) => name)).to.deep.equal(['challenge'])
  })
})
