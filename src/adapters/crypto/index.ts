/**
 * The services of the ports, on Node's own cryptography and Argon2. Only the server checks password hashes of other
 * products: constant-work.ts and foreign-hash/ are not exported here, so that an application with the plugin needs no
 * bcrypt.
 */
export {
  passwordHasher,
  type PasswordHasherOptions,
  type QueuedPasswordHasher,
} from './password-hasher.ts'
export { secretBox, type SecretBoxOptions } from './secret-box.ts'
export { systemClock, systemRandom } from './system.ts'
export { hashToken, randomToken } from './token.ts'
