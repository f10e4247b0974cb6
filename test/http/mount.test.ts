import { expect } from 'chai'
import type { Context } from 'koa'
import { presentMount, withinMount } from '../../src/http/mount.ts'

function mountOf(
  url: string,
  req: { originalUrl?: string; baseUrl?: string },
  mountPath?: string,
): string {
  const ctx = { req, request: { url }, ...(mountPath === undefined ? {} : { mountPath }) }
  return withinMount(ctx as unknown as Context, presentMount)
}

describe('where a provider is mounted', () => {
  it('is what was left out of the address, by Express and its routers', () => {
    expect(mountOf('/auth?x=1', { originalUrl: '/id/oidc/auth?x=1' })).to.equal('/id/oidc')
    expect(mountOf('/auth', { originalUrl: '/auth/auth', baseUrl: '/auth' })).to.equal('/auth')
  })

  it('is what koa-mount says', () => {
    expect(mountOf('/auth', {}, '/oidc')).to.equal('/oidc')
    expect(mountOf('/auth', {}, '/oidc/')).to.equal('/oidc')
  })

  it('is nothing where nothing was left out, and outside a request', () => {
    expect(mountOf('/auth', { originalUrl: '/auth' })).to.equal('')
    expect(mountOf('/auth', { originalUrl: '/elsewhere' })).to.equal('')
    expect(mountOf('/auth', {})).to.equal('')
    expect(presentMount()).to.equal('')
  })

  it('R23 is never another site, whatever address was asked for', () => {
    for (const false_ of ['//evil.example', '/\\evil.example', '//', '/a//b', '/a?b', '/a b'])
      expect(mountOf('/mfa/x', { originalUrl: `${false_}/mfa/x` }), false_).to.equal('')
  })
})
