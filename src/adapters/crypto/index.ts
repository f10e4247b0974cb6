/** The services of the ports on Node's own cryptography and Argon2. */
export { passwordHasher, type PasswordHasherOptions } from './password-hasher.ts'
export { secretBox, type SecretBoxOptions } from './secret-box.ts'
export { systemClock, systemRandom } from './system.ts'
export { hashToken, randomToken } from './token.ts'
