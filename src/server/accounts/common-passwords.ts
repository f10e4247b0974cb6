/**
 * The words that the most used passwords are made of, in lower case and without disguise. The policy undoes
 * capitals, digits for letters, digits and signs at the edges, and doubling before it looks here, so each
 * line stands for thousands of passwords. Words shorter than a password may be are here for that reason.
 */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  `
password passwort passwd motdepasse contrasena contraseña senha parola wachtwoord haslo hasło lozinka
passord losenord lösenord salasana sifre şifre pass passe passcode passphrase pwd parole heslo jelszo
mypassword thepassword yourpassword newpassword oldpassword masterpassword defaultpassword
passworda passwordb passwordpassword passpass passme letmein letmeinnow letmein please openup opensesame
opensesam sesame changeme changeit changethis changemenow pleasechange default temporary temp temptemp
secret topsecret mysecret secretword secure security welcome welcomeback welcometo bienvenue willkommen
bienvenido benvenuto welkom hello hellohello helloworld hallo halloween hola bonjour goodbye goodmorning
admin administrator adminadmin adminroot root toor rootroot sysadmin superuser super superman superadmin
webmaster manager operator guest guestguest user username useruser test testtest tester testing testuser
testpass testpassword demo demodemo sample example login logon signin access accessdenied backup master
server service support system oracle cisco linux ubuntu debian windows microsoft apple macbook iphone
android samsung nokia google googlegoogle facebook twitter instagram snapchat youtube linkedin myspace
yahoo hotmail gmail email amazon ebay paypal netflix spotify internet intranet network computer laptop
keyboard desktop database mysql postgres mongodb docker kubernetes github gitlab java javascript python
company office business account accounts customer employee qwerty qwertyqwerty qwert qwertyu qwertyui
qwertyuiop qwertz qwertzui qwertzuiop azerty azertyuiop asdf asdfasdf asdfgh asdfghj asdfghjk asdfghjkl
asdfjkl asdfqwer qweasd qweasdzxc qweqwe qweqweqwe asdasd asdasdasd zxczxc zxcvbn zxcvbnm zxcvzxcv zxcasd
qazwsx qazqaz wsxwsx wsxqaz qazwsxedc qazxsw qazxswedc zaqwsx zaqxsw zaqzaq qwaszx poiuytrewq lkjhgfdsa
mnbvcxz abcabc abcabcabc abcd abcdabcd abcde abcdef abcdefg abcdefgh abcdefghi abcdefghij aaaa aaaaaa
trustno trustnoone iloveyou iloveu iloveme ilove loveyou iloveyouso iloveyouforever iloveyoubaby iloveyo
loveyoubaby loveme lovelove lover lovers loverboy lovergirl lovely loveless love loving mylove truelove
teamo tequiero tequieromucho teamomucho tamo amor amormio amore amoremio miamor jetaime jtaime ichliebedich
amour monamour forever foreverlove always together friend friends friendship bestfriend bestfriends
sunshine sunflower sunlight sunset sunday saturday monday tuesday wednesday thursday friday january
february march april may june july august september october november december spring summer autumn winter
summertime wintertime springtime season weekend holiday holidays christmas santaclaus birthday easter
princess prinzessin princesa princesse prince prinz princeton queen queenbee king kingking kingkong
kingdom knight angel angelica angelo angels angela angelina devil demon diablo lucifer satan heaven
dragon dragons dragonball dragonfly dragonballz monster monsters monkey monkeys donkey tiger tigers tigger
lion lions panther panthers leopard cheetah eagle eagles falcon falcons hawk hawks raven ravens phoenix
turtle turtles rabbit bunny kitty kitten kittens kittykat hellokitty puppy puppies doggy doggie doglover
catlover horse horses pony mustang mustangs stallion cowboy cowboys cowgirl chicken turkey penguin
dolphin dolphins shark sharks whale spider spiderman butterfly butterflies ladybug bumblebee honeybee
elephant giraffe panda pandas pandabear teddybear teddy bear bears bulldog bulldogs rottweiler shepherd
beagle poodle labrador hamster wolf wolves wolfgang wolverine werewolf snake cobra viper python buffalo
football footballer footbal fussball futbol soccer soccerball baseball basketball basket volleyball
softball hockey tennis golf golfer golfing cricket rugby swimming swimmer skating skater snowboard
skateboard surfing surfer boxing boxer wrestling karate running runner cycling biking biker racing racer
champion champions championship winner winners loser losers player players gamer gaming playstation
nintendo xbox pokemon pikachu minecraft fortnite roblox callofduty counterstrike warcraft worldofwarcraft
starcraft starwars startrek skywalker lukeskywalker darthvader yoda jedi matrix terminator predator
gandalf frodo legolas aragorn lordoftherings harrypotter hogwarts hermione dumbledore voldemort batman
batgirl robin joker superhero supergirl wonderwoman ironman captain captainamerica avengers deadpool
naruto sasuke goku vegeta sailormoon mickey mickeymouse minnie minniemouse donald donaldduck goofy pluto
winnie winniethepooh poohbear pooh eeyore piglet snoopy garfield scooby scoobydoo spongebob simpson
simpsons homer bart bartsimpson tweety bugsbunny tinkerbell cinderella rapunzel elsa frozen barbie
chelsea chelseafc arsenal liverpool liverpoolfc manchester manchesterunited manutd mancity everton
tottenham barcelona realmadrid madrid juventus inter intermilan milan acmilan bayern bayernmunich dortmund
borussia schalke benfica sporting porto celtic rangers ajax feyenoord galatasaray fenerbahce besiktas boca
bocajuniors riverplate flamengo corinthians palmeiras saopaulo santos america chivas lakers celtics bulls
chicagobulls warriors yankees redsox dodgers giants steelers packers patriots raiders redskins broncos
longhorns gators tarheels crimson steeler penguins bruins redwings canadiens mapleleafs maverick mavericks
michael michelle jennifer jessica jessie daniel daniela danielle david davide davis matthew matt andrew
andrea andreas andre joshua christopher christian christina christine christie chris cristina cristian
anthony antonio antonia antoine william williams willie robert roberto roberta richard ricardo thomas
tommy jonathan jonathon jordan jordan charlie charles charlotte charly george georgia jackson jack jacob
james jamie jason jasmine justin justine joseph josephine joey john johnny johnson johnjohn johndoe
benjamin samantha samuel samson sammy sandra sandy sarah sara amanda ashley ashleigh brittany brandon
brandy brianna brian bryan victoria victor vanessa veronica valentina valentin valerie nicole nicola
nicolas nicholas natalie natasha nathan nathalie nathaniel melissa melanie megan maria mariana marie
marina mario martin martina martinez marvin mary margaret margarita marcus marco mark maggie madison
madonna lauren laura lawrence leonardo leonard lindsay lindsey linda lisa louise lorenzo lorena lucas
lucia lucky luckydog luckyone kimberly kristina kristen kristin katherine katie kathleen karen karina
kevin kelly kenneth steven stephen stephanie stefan stefano sebastian scott sean shannon sharon sheila
sophie sofia sophia susan sabrina rebecca rachel raquel patricia patrick paul paula pauline pamela peter
philip phillip oliver olivia pablo pedro alexander alexandra alexandre alexandria alejandro alejandra alex
alexis alexa alice alicia albert alberto alfredo allison alyssa amber amelia anderson angelito anna annie
annamaria arthur austin barbara beatrice beatriz bernard bianca billy bobby bradley caroline carolina
caroline carmen carlos carlito carla catherine cameron cassandra cassie cecilia chelsea cheyenne claudia
clayton crystal cynthia dakota dallas danny darren deborah debbie dennis derrick destiny diana diego
dominic dominique donna dorothy douglas dylan edward eduardo elizabeth eleanor elena emily emma eric erica
erika esther ethan eugene eva fabian felipe felix fernando fernanda florian frances francesca francesco
francis francisco frank frankie franklin frederic gabriel gabriela gabrielle garrett gerald gerard gilbert
giovanni gloria gonzalez grace gregory guillermo gustavo hannah harley harleydavidson harold harrison harry
heather hector helena henry herbert hernandez howard hunter isabel isabella isabelle ivan jacqueline
javier jeffrey jenny jeremy jerome jesus jesuschrist jesusislord jesuslovesme jimmy joanna johanna jorge
joselito josh juan juliana julian julie julia juliette katrina kayla keith kyle lorraine louis luis luna
manuel manuela marcel marcelo marcos mariah marilyn marissa mauricio maximus maxwell mercedes mexico
miguel mikey miranda mitchell mohamed mohammed muhammad monica monique morgan murphy nancy nelson norman
oscar pascal philippe precious preston priscilla rafael ramirez randy raymond regina renee ricky rodrigo
rodriguez roger ronald ronaldo cristiano messi neymar rosemary roxanne ruben russell ryan salvador santiago
sergio shadow shawn sherry sierra silvia simone skyler spencer stacey stanley stella steve sydney sylvia
tamara tatiana taylor taylorswift teresa theresa theodore tiffany timothy tracy travis trevor trinity
tristan tyler vincent vincenzo virginia vivian walter wanda warren wendy whitney yolanda yvonne zachary
dragon shadow master killer killers murder assassin sniper warrior soldier army marine marines navy
airforce military police fireman firefly phantom ghost ghostrider rider wizard witch magic magical
mercury venus jupiter saturn neptune pluto galaxy universe planet earth moon moonlight star stars starlight
starfish rainbow rainbows thunder thunderbird lightning storm stormy hurricane tornado flower flowers
rose roses daisy daisies lily violet orchid cherry cherries banana bananas orange oranges apple apples
strawberry blueberry blackberry raspberry watermelon pineapple peach peaches peanut peanuts popcorn
chocolate chocolat cookie cookies cookiemonster brownie cupcake candy candyman cheese cheesecake pizza
burger hamburger sandwich pepper peppermint ginger sugar honey honeybunny coffee cocacola pepsi whiskey
vodka tequila heineken budweiser guinness marlboro cannabis marijuana weed ganja smoke smokey smoking
diamond diamonds silver silverfox gold golden goldfish platinum crystal ruby emerald sapphire pearl
metal metallica slipknot nirvana acdc ironmaiden blackmetal linkinpark greenday eminem tupac fiftycent
beatles thebeatles rollingstones ledzeppelin pinkfloyd michaeljackson madonna rihanna beyonce shakira
justinbieber onedirection bobmarley elvis elvispresley guitar guitarra drummer music musica musicman rock
rocknroll rockstar rocker rocky hiphop reggae techno dancer dancing dance ballet
ferrari lamborghini porsche mercedesbenz bmw audi volkswagen corvette camaro chevrolet chevy ford mustang
toyota honda yamaha kawasaki suzuki ducati nissan subaru mazda jaguar maserati bentley cadillac jeep
truck trucker trucks driver driving racecar nascar formula turbo speed speedy nitro
black blackcat blackjack blackbird blackbelt blackhawk white whitewolf red redred redbull reddog green
greenday blue blueblue bluebird bluesky blueeyes purple pink pinky yellow brown orange silver magenta
london paris berlin madrid roma newyork chicago boston dallas houston denver phoenix seattle miami texas
california florida hollywood lasvegas hawaii alaska america american canada australia austria germany
deutschland france england scotland ireland italia italy espana spain portugal brasil brazil argentina
colombia venezuela chile peru india pakistan indonesia philippines vietnam thailand china japan korea
russia moscow ukraine poland polska turkey turkiye istanbul nigeria kenya africa europe asia jordan egypt
computer science student students teacher school highschool college university doctor nurse lawyer engineer
freedom liberty peace justice power powerful money moneymoney dollar million millionaire rich richie
success lucky jackpot casino poker happy happyday happiness smile smiley smiling cool coolman cooldude
coolguy coolgirl sweet sweetie sweety sweetheart sweetpea sexy sexygirl sexyboy sexybitch sexymama hottie
hotgirl hotdog hotstuff beautiful pretty prettygirl gorgeous cute cutie cutiepie baby babygirl babyboy
babydoll babyface babe bigboy bigdog bigdaddy bigmac bigred bigman daddy daddysgirl mommy mummy mamma
mother father brother sister family familia familyfirst myfamily grandma grandpa children kids bitch
bitches asshole fuckyou fuckme fucker fuckoff fucking fuck shit bullshit damnit goddamn motherfucker
nothing something everything anything whatever nobody somebody anybody everybody someone noname unknown
private personal confidential mine myself yourself lifeisgood life living dead death blood vampire zombie
jesus christ god godisgood godislove ingodwetrust godbless blessed blessing faith hope grace spirit prayer
bible church gospel heavenly allah bismillah krishna ganesh ganesha buddha namaste saibaba omsairam
corona coronavirus covid vaccine bitcoin crypto blockchain ethereum trustme idontknow dontknow iforgot
forgotten forget forgetit remember rememberme remind gofuckyourself gohome homesweethome sweethome home
homer house garden kitchen window windows door doors table chair bottle paper pencil picture photo camera
telephone phone mobile television radio station airplane pilot flying fly flyer skydive jumper jump
island beach ocean river mountain mountains desert forest jungle garden nature natural water fire fires
fireball ice iceman icecream icecube snow snowball snowman snowflake snowwhite freeze cold hot
asdfghjklqwertyuiop correcthorse hunter access matrix mypass thunderbolt whatsup wassup awesome fantastic
excellent perfect special creative creation infinity eternity destiny paradise legend legendary hero heroes
alpha omega delta gamma sigma charlie bravo echo foxtrot tango zulu november romeo juliet yankee
`
    .split(/\s+/)
    .filter((word) => word !== ''),
)
