/**
 * The names of well-known makers by the model of the authenticator (AAGUID). They are for display alone: without an
 * attestation an AAGUID is anybody's word, so no decision may depend on this list.
 *
 * Source: we wrote the list ourselves from public lists and glossaries that repeat the AAGUIDs of the makers, such as
 * Corbado's. It has the bare facts, without a logo or a text of anybody, and is under the licence of this package. The
 * common list of passkeydeveloper/passkey-authenticator-aaguids states no licence, so nothing was copied from it.
 */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'Google Password Manager': ['ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4'],
  'iCloud Keychain': ['fbfc3007-154e-4ecc-8c0b-6e020557d7bd'],
  'iCloud Keychain (managed)': ['dd4ec289-e01d-41c9-bb89-70fa845d4bf2'],
  'Windows Hello': [
    '08987058-cadc-4b81-b6e1-30de50dcbe96',
    '9ddd1817-af5a-4672-a2b9-3e3dd95000a9',
    '6028b017-b1d4-4c02-b4b3-afcdafc96bb2',
  ],
  'Chrome on Mac': ['adce0002-35bc-c60a-648b-0b25f1f05503'],
  'Edge on Mac': ['771b48fd-d3d4-4f74-9232-fc157ab0507a'],
  Chromium: ['b5397666-4885-aa6b-cebf-e52262a439a2'],
  'Samsung Pass': ['53414d53-554e-4700-0000-000000000000'],
  '1Password': ['bada5566-a7aa-401f-bd96-45619a55120d'],
  Bitwarden: ['d548826e-79b4-db40-a3d8-11116f7e8349'],
  Dashlane: ['531126d6-e717-415c-9320-3d9aa6981239'],
  Enpass: ['f3809540-7f14-49c1-a8b3-8f813b225541'],
  Keeper: ['0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6'],
  NordPass: ['b84e4048-15dc-4dd0-8640-f4f60813c8af'],
  'YubiKey 5': [
    'cb69481e-8ff7-4039-93ec-0a2729a154a8',
    'ee882879-721c-4913-9775-3dfcce97072a',
    '73bb0cd4-e502-49b8-9c6f-b59445bf720b',
  ],
  'YubiKey 5 NFC': [
    'fa2b99dc-9e39-4257-8f92-4a30d23c4118',
    '2fc0579f-8113-47ea-b116-bb5a8db9202a',
    'c1f9a0bc-1dd2-404a-b27f-8e29047a43fd',
  ],
  'YubiKey 5Ci': ['c5ef55ff-ad9a-4b9f-b580-adebafe026d0'],
  'Feitian ePass': ['833b721a-ff5f-4d00-bb2e-bdda3ec01e29', 'ee041bce-25e5-4cdb-8f86-897fd6418464'],
}

const MAKERS: ReadonlyMap<string, string> = new Map(
  Object.entries(NAMES).flatMap(([name, models]) => models.map((model) => [model, name])),
)

/** The name of the maker or of the product. Undefined: it is not in the list. */
export function makerOf(aaguid: string): string | undefined {
  return MAKERS.get(aaguid)
}
