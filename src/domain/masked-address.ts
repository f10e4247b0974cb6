/** `m•••@example.com`: the owner recognises the address; nobody else learns it. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  return `${Array.from(address)[0] ?? ''}•••${at === -1 ? '' : address.slice(at)}`
}
