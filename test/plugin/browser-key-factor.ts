import type { AnyFactor } from '../../src/index.ts'
import { challengeFactor } from '../../src/testing/factors.ts'

const FOLDER = new URL('./browser-key/', import.meta.url)

/** The challenge factor of the contract suite, answered by a script in the person's own browser. */
export function browserKey(): AnyFactor {
  return {
    ...challengeFactor(),
    id: 'browser-key',
    pages: {
      views: FOLDER,
      script: new URL('key.js', FOLDER),
      style: new URL('key.css', FOLDER),
    },
  }
}
