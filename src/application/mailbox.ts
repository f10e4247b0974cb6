import type { Dependencies } from './dependencies.ts'

/**
 * The mark by which a record recognises a mailbox: a keyed hash, so that a copy of the database does not tell the
 * address, and the id of its key.
 */
export function markOfMailbox(
  { box }: Pick<Dependencies, 'box'>,
  accountId: string,
  address: string,
): string {
  return `${box.keyIds[0]}.${box.mac('mailbox', messageOf(accountId, address))}`
}

/**
 * Whether an address leads to a marked mailbox. A mark whose key is gone matches every address: otherwise the removal of
 * an old key would let a mailbox count twice (R9).
 */
export function isMailbox(
  { box }: Pick<Dependencies, 'box'>,
  accountId: string,
  address: string,
  mark: string,
): boolean {
  const at = mark.indexOf('.')
  const [keyId, mac] = [mark.slice(0, at), mark.slice(at + 1)]
  return !box.keyIds.includes(keyId) || box.verifyMac('mailbox', messageOf(accountId, address), mac)
}

/**
 * The mailbox of an address, as far as an address tells it: `Mira+shop@Example.com` is that of `mira@example.com`. Two
 * mailboxes that are taken for one leave recovery to an administrator; one that is taken for two would count twice.
 */
function messageOf(accountId: string, address: string): string {
  const text = address.normalize('NFKC').trim().toLowerCase()
  const at = text.lastIndexOf('@')
  const [name = ''] = text.slice(0, at).split('+')
  return JSON.stringify([accountId, name, `@${domainOf(text.slice(at + 1))}`])
}

/** The domain as name servers know it: an international name has a form in ASCII, and a dot at the end says nothing. */
function domainOf(text: string): string {
  const domain = text.replace(/\.$/, '')
  return URL.parse(`http://${domain}`)?.hostname ?? domain
}
