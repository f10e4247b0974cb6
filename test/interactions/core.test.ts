import { expect } from 'chai'
import { EventEmitter } from 'node:events'
import {
  localeIn,
  misconfigured,
  mountPath,
  providerOf,
  type Core,
} from '../../interactions/core.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { withinMount } from '../../src/http/mount.ts'

const coreAt = (issuer?: string): Core =>
  ({ provider: issuer === undefined ? undefined : { issuer } }) as unknown as Core

describe('the path at which a browser finds the provider', () => {
  it('is that of the issuer, without a slash at the end', () => {
    expect(mountPath(coreAt('https://id.example'))).to.equal('')
    expect(mountPath(coreAt('https://id.example/op/'))).to.equal('/op')
    expect(mountPath(coreAt())).to.equal('')
  })

  it('is that of the request where it came through a mount', () => {
    const request = { url: '/auth' }
    const ctx = { req: { originalUrl: '/sso/auth' }, request } as never
    const core = coreAt('https://id.example/op')
    expect(withinMount(ctx, () => mountPath(core))).to.equal('/sso')
    const plain = { req: { originalUrl: '/auth' }, request } as never
    expect(withinMount(plain, () => mountPath(core))).to.equal('/op')
  })
})

describe('the language of a page', () => {
  it('is that which the app asked for by a text, else that of the browser', () => {
    const views = {
      localeFor: ({ uiLocales, acceptLanguage }: Record<string, string | undefined>) =>
        uiLocales ?? acceptLanguage,
    }
    const headers = { 'accept-language': 'de' }
    const localeFor = (params?: object) => localeIn({ views } as never, headers, params as never)
    expect(localeFor({ ui_locales: 'fr' })).to.equal('fr')
    for (const params of [undefined, {}, { ui_locales: ['fr'] }])
      expect(localeFor(params)).to.equal('de')
  })
})

describe('the provider of the pages', () => {
  it('is the attached one, and otherwise an error by name', () => {
    const core = coreAt('https://id.example')
    expect(providerOf(core)).to.equal(core.provider)
    expect(() => providerOf(coreAt()))
      .to.throw(MfaError)
      .with.property('code', 'not-attached')
  })
})

describe('an error of the set-up', () => {
  it('reaches the application by Koa’s event, and a program without a listener goes on', () => {
    const app = new EventEmitter()
    const ctx = { app } as never
    const error = new MfaError('not-attached', 'a fault')
    expect(misconfigured(ctx, error)).to.equal(error)
    const heard: unknown[] = []
    app.on('error', (...given: unknown[]) => heard.push(...given))
    expect(misconfigured(ctx, error)).to.equal(error)
    expect(heard).to.deep.equal([error, ctx])
  })
})
