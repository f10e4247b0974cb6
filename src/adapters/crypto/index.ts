/** The services of the ports on Node's own cryptography and Argon2. */
export { constantWork, type ConstantWorkOptions } from './constant-work.ts'
export { readForeignHash, type HashFault, type HashKind } from './foreign-hash/index.ts'
export {
  passwordHasher,
  type PasswordHasherOptions,
  type QueuedPasswordHasher,
} from './password-hasher.ts'
export { secretBox, type SecretBoxOptions } from './secret-box.ts'
export { systemClock, systemRandom } from './system.ts'
export { hashToken, randomToken } from './token.ts'
