type Library = typeof import('@simplewebauthn/server') &
  typeof import('@simplewebauthn/server/helpers')

/**
 * The library for WebAuthn. It is loaded when the first response arrives: a process in which nobody uses a passkey does
 * not pay for it.
 */
export async function loadLibrary(): Promise<Library> {
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ])
  return { ...server, ...helpers }
}
