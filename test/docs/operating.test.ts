import { expect } from 'chai'
import { readText } from './page.ts'

describe('docs/guides/operating.md', () => {
  it('installs what the server stands on, in the versions that package.json says', () => {
    const { serverDependencies } = JSON.parse(readText('package.json')) as {
      serverDependencies: Record<string, string>
    }
    const [, , packages = ''] =
      /npm install oidc-provider-mfa oidc-provider (\\\n {2})(.+)\n/.exec(
        readText('docs/guides/operating.md'),
      ) ?? []
    expect(packages.split(' ')).to.deep.equal(
      Object.entries(serverDependencies).map(
        ([name, range]) => `${name}@${/\d+/.exec(range)?.[0]}`,
      ),
    )
  })
})
