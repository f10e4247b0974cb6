import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { describeServerStorage } from '../../src/testing/storage-suite.ts'

describeServerStorage('memory', ({ clock }) => ({ store: memoryStorage({ clock }) }))
