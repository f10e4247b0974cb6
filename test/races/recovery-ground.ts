/** The person whose recovery is tried: one address that was verified long ago. */
export const GROUND = {
  addresses: [{ address: 'owner@example.com', verifiedAt: 1 }],
  hasPassword: true,
}
