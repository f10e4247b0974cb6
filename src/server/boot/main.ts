import './host-runtime.ts'
import { ConfigError } from '../../../config/environment.ts'
import { loadConfig } from '../../../config/load.ts'
import { MfaError } from '../../domain/errors.ts'
import { ClientFaults } from '../clients/validate.ts'
import { KeyFault } from '../keys/jwks.ts'
import { serve } from './serve.ts'

/** `npm start`. A refusal is words for an operator; a stack is for what nobody expected. */
try {
  await serve(loadConfig(), { print: (line) => process.stdout.write(`${line}\n`) })
} catch (error) {
  if (!isRefusal(error)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

function isRefusal(error: unknown): error is Error {
  return [ConfigError, KeyFault, ClientFaults, MfaError].some((kind) => error instanceof kind)
}
