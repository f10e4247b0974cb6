import { expect } from 'chai'
import { globSync } from 'node:fs'
import { brokenLinks } from '../docs/links.ts'
import { packPackage, type Packed } from './packed.ts'

describe('the documents in the published package', function () {
  this.timeout(180_000)
  let packed: Packed

  before(() => {
    packed = packPackage()
  })

  it('lead only to files and headings that are in it', () => {
    const pages = globSync('**/*.md', { cwd: packed.unpacked }).sort()
    expect(pages).to.include.members([
      'README.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'docs/guides/add-to-your-provider.md',
      'docs/reference/options.md',
      'docs/adr/README.md',
    ])
    expect(brokenLinks(packed.unpacked, pages)).to.deep.equal([])
  })
})
