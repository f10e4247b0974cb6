/** Words that the list of zxcvbn-ts lacks: of other languages and of services, in lower case. */
const MORE_WORDS = `
contraseña hasło lösenord sifre şifre passphrase pwd thepassword yourpassword oldpassword
masterpassword defaultpassword passworda passwordb opensesam changethis changemenow pleasechange
secretword welcomeback welcometo bienvenue willkommen bienvenido benvenuto adminroot toor superuser
superadmin testpassword login accessdenied ubuntu debian instagram snapchat linkedin hotmail gmail
netflix spotify mysql postgres mongodb kubernetes github gitlab javascript qwertz qwertzui qwertzuiop
poiuytrewq lkjhgfdsa mnbvcxz abcd abcdabcd abcde abcdef abcdefg abcdefgh abcdefghi abcdefghij
iloveyouso iloveyouforever iloveyoubaby loveyoubaby tequieromucho teamomucho tamo amormio jtaime
ichliebedich foreverlove bestfriends may wintertime springtime santaclaus prinzessin prinz butterflies
footballer soccerball championship fortnite roblox worldofwarcraft lukeskywalker lordoftherings
dumbledore voldemort captainamerica minniemouse winniethepooh bartsimpson manchesterunited bayernmunich
bocajuniors corinthians chicagobulls eva harleydavidson jesuslovesme neymar taylorswift cookiemonster
honeybunny fiftycent rollingstones onedirection elvispresley mercedesbenz bmw red redred peru
highschool familyfirst confidential god coronavirus covid vaccine bitcoin blockchain ethereum
rememberme remind gofuckyourself homesweethome sweethome fly asdfghjklqwertyuiop correcthorse
thunderbolt
`

let loading: Promise<ReadonlySet<string>> | undefined

/**
 * The passwords that attackers try first, in lower case: 49,000 passwords from leaks, and English words. Before a
 * look-up, the policy undoes capitals, digits in place of letters, digits and signs at the edges, and doubling, so each
 * word stands for thousands of passwords. The list is loaded when the first password is chosen; it takes 50 ms and 5
 * MB.
 */
export function commonPasswords(): Promise<ReadonlySet<string>> {
  loading ??= load()
  return loading
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set([
    ...dictionary['passwords-common'],
    ...dictionary['diceware-common'],
    ...MORE_WORDS.trim().split(/\s+/),
  ])
}
