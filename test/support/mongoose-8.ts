import { registerHooks } from 'node:module'

/**
 * Node loads this module before all others (`node --import`). It resolves every import of `mongoose`, in the sources, in
 * the tests and in the processes that they start, to Mongoose 8, the development dependency `mongoose8`.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    return nextResolve(specifier === 'mongoose' ? 'mongoose8' : specifier, context)
  },
})
