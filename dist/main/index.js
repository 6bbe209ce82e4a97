/******/ (() => { // webpackBootstrap
/******/ 	var __webpack_modules__ = ({

/***/ 686:
/***/ ((module, __unused_webpack_exports, __nccwpck_require__) => {

"use strict";


var crypto_hash_sha512 = (__nccwpck_require__(668).lowlevel).crypto_hash;

/*
 * This file is a 1:1 port from the OpenBSD blowfish.c and bcrypt_pbkdf.c. As a
 * result, it retains the original copyright and license. The two files are
 * under slightly different (but compatible) licenses, and are here combined in
 * one file.
 *
 * Credit for the actual porting work goes to:
 *  Devi Mandiri <me@devi.web.id>
 */

/*
 * The Blowfish portions are under the following license:
 *
 * Blowfish block cipher for OpenBSD
 * Copyright 1997 Niels Provos <provos@physnet.uni-hamburg.de>
 * All rights reserved.
 *
 * Implementation advice by David Mazieres <dm@lcs.mit.edu>.
 *
 * Redistribution and use in source and binary forms, with or without
 * modification, are permitted provided that the following conditions
 * are met:
 * 1. Redistributions of source code must retain the above copyright
 *    notice, this list of conditions and the following disclaimer.
 * 2. Redistributions in binary form must reproduce the above copyright
 *    notice, this list of conditions and the following disclaimer in the
 *    documentation and/or other materials provided with the distribution.
 * 3. The name of the author may not be used to endorse or promote products
 *    derived from this software without specific prior written permission.
 *
 * THIS SOFTWARE IS PROVIDED BY THE AUTHOR ``AS IS'' AND ANY EXPRESS OR
 * IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES
 * OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED.
 * IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY DIRECT, INDIRECT,
 * INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT
 * NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
 * DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
 * THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
 * (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
 * THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
 */

/*
 * The bcrypt_pbkdf portions are under the following license:
 *
 * Copyright (c) 2013 Ted Unangst <tedu@openbsd.org>
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * Performance improvements (Javascript-specific):
 *
 * Copyright 2016, Joyent Inc
 * Author: Alex Wilson <alex.wilson@joyent.com>
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

// Ported from OpenBSD bcrypt_pbkdf.c v1.9

var BLF_J = 0;

var Blowfish = function() {
  this.S = [
    new Uint32Array([
      0xd1310ba6, 0x98dfb5ac, 0x2ffd72db, 0xd01adfb7,
      0xb8e1afed, 0x6a267e96, 0xba7c9045, 0xf12c7f99,
      0x24a19947, 0xb3916cf7, 0x0801f2e2, 0x858efc16,
      0x636920d8, 0x71574e69, 0xa458fea3, 0xf4933d7e,
      0x0d95748f, 0x728eb658, 0x718bcd58, 0x82154aee,
      0x7b54a41d, 0xc25a59b5, 0x9c30d539, 0x2af26013,
      0xc5d1b023, 0x286085f0, 0xca417918, 0xb8db38ef,
      0x8e79dcb0, 0x603a180e, 0x6c9e0e8b, 0xb01e8a3e,
      0xd71577c1, 0xbd314b27, 0x78af2fda, 0x55605c60,
      0xe65525f3, 0xaa55ab94, 0x57489862, 0x63e81440,
      0x55ca396a, 0x2aab10b6, 0xb4cc5c34, 0x1141e8ce,
      0xa15486af, 0x7c72e993, 0xb3ee1411, 0x636fbc2a,
      0x2ba9c55d, 0x741831f6, 0xce5c3e16, 0x9b87931e,
      0xafd6ba33, 0x6c24cf5c, 0x7a325381, 0x28958677,
      0x3b8f4898, 0x6b4bb9af, 0xc4bfe81b, 0x66282193,
      0x61d809cc, 0xfb21a991, 0x487cac60, 0x5dec8032,
      0xef845d5d, 0xe98575b1, 0xdc262302, 0xeb651b88,
      0x23893e81, 0xd396acc5, 0x0f6d6ff3, 0x83f44239,
      0x2e0b4482, 0xa4842004, 0x69c8f04a, 0x9e1f9b5e,
      0x21c66842, 0xf6e96c9a, 0x670c9c61, 0xabd388f0,
      0x6a51a0d2, 0xd8542f68, 0x960fa728, 0xab5133a3,
      0x6eef0b6c, 0x137a3be4, 0xba3bf050, 0x7efb2a98,
      0xa1f1651d, 0x39af0176, 0x66ca593e, 0x82430e88,
      0x8cee8619, 0x456f9fb4, 0x7d84a5c3, 0x3b8b5ebe,
      0xe06f75d8, 0x85c12073, 0x401a449f, 0x56c16aa6,
      0x4ed3aa62, 0x363f7706, 0x1bfedf72, 0x429b023d,
      0x37d0d724, 0xd00a1248, 0xdb0fead3, 0x49f1c09b,
      0x075372c9, 0x80991b7b, 0x25d479d8, 0xf6e8def7,
      0xe3fe501a, 0xb6794c3b, 0x976ce0bd, 0x04c006ba,
      0xc1a94fb6, 0x409f60c4, 0x5e5c9ec2, 0x196a2463,
      0x68fb6faf, 0x3e6c53b5, 0x1339b2eb, 0x3b52ec6f,
      0x6dfc511f, 0x9b30952c, 0xcc814544, 0xaf5ebd09,
      0xbee3d004, 0xde334afd, 0x660f2807, 0x192e4bb3,
      0xc0cba857, 0x45c8740f, 0xd20b5f39, 0xb9d3fbdb,
      0x5579c0bd, 0x1a60320a, 0xd6a100c6, 0x402c7279,
      0x679f25fe, 0xfb1fa3cc, 0x8ea5e9f8, 0xdb3222f8,
      0x3c7516df, 0xfd616b15, 0x2f501ec8, 0xad0552ab,
      0x323db5fa, 0xfd238760, 0x53317b48, 0x3e00df82,
      0x9e5c57bb, 0xca6f8ca0, 0x1a87562e, 0xdf1769db,
      0xd542a8f6, 0x287effc3, 0xac6732c6, 0x8c4f5573,
      0x695b27b0, 0xbbca58c8, 0xe1ffa35d, 0xb8f011a0,
      0x10fa3d98, 0xfd2183b8, 0x4afcb56c, 0x2dd1d35b,
      0x9a53e479, 0xb6f84565, 0xd28e49bc, 0x4bfb9790,
      0xe1ddf2da, 0xa4cb7e33, 0x62fb1341, 0xcee4c6e8,
      0xef20cada, 0x36774c01, 0xd07e9efe, 0x2bf11fb4,
      0x95dbda4d, 0xae909198, 0xeaad8e71, 0x6b93d5a0,
      0xd08ed1d0, 0xafc725e0, 0x8e3c5b2f, 0x8e7594b7,
      0x8ff6e2fb, 0xf2122b64, 0x8888b812, 0x900df01c,
      0x4fad5ea0, 0x688fc31c, 0xd1cff191, 0xb3a8c1ad,
      0x2f2f2218, 0xbe0e1777, 0xea752dfe, 0x8b021fa1,
      0xe5a0cc0f, 0xb56f74e8, 0x18acf3d6, 0xce89e299,
      0xb4a84fe0, 0xfd13e0b7, 0x7cc43b81, 0xd2ada8d9,
      0x165fa266, 0x80957705, 0x93cc7314, 0x211a1477,
      0xe6ad2065, 0x77b5fa86, 0xc75442f5, 0xfb9d35cf,
      0xebcdaf0c, 0x7b3e89a0, 0xd6411bd3, 0xae1e7e49,
      0x00250e2d, 0x2071b35e, 0x226800bb, 0x57b8e0af,
      0x2464369b, 0xf009b91e, 0x5563911d, 0x59dfa6aa,
      0x78c14389, 0xd95a537f, 0x207d5ba2, 0x02e5b9c5,
      0x83260376, 0x6295cfa9, 0x11c81968, 0x4e734a41,
      0xb3472dca, 0x7b14a94a, 0x1b510052, 0x9a532915,
      0xd60f573f, 0xbc9bc6e4, 0x2b60a476, 0x81e67400,
      0x08ba6fb5, 0x571be91f, 0xf296ec6b, 0x2a0dd915,
      0xb6636521, 0xe7b9f9b6, 0xff34052e, 0xc5855664,
      0x53b02d5d, 0xa99f8fa1, 0x08ba4799, 0x6e85076a]),
    new Uint32Array([
      0x4b7a70e9, 0xb5b32944, 0xdb75092e, 0xc4192623,
      0xad6ea6b0, 0x49a7df7d, 0x9cee60b8, 0x8fedb266,
      0xecaa8c71, 0x699a17ff, 0x5664526c, 0xc2b19ee1,
      0x193602a5, 0x75094c29, 0xa0591340, 0xe4183a3e,
      0x3f54989a, 0x5b429d65, 0x6b8fe4d6, 0x99f73fd6,
      0xa1d29c07, 0xefe830f5, 0x4d2d38e6, 0xf0255dc1,
      0x4cdd2086, 0x8470eb26, 0x6382e9c6, 0x021ecc5e,
      0x09686b3f, 0x3ebaefc9, 0x3c971814, 0x6b6a70a1,
      0x687f3584, 0x52a0e286, 0xb79c5305, 0xaa500737,
      0x3e07841c, 0x7fdeae5c, 0x8e7d44ec, 0x5716f2b8,
      0xb03ada37, 0xf0500c0d, 0xf01c1f04, 0x0200b3ff,
      0xae0cf51a, 0x3cb574b2, 0x25837a58, 0xdc0921bd,
      0xd19113f9, 0x7ca92ff6, 0x94324773, 0x22f54701,
      0x3ae5e581, 0x37c2dadc, 0xc8b57634, 0x9af3dda7,
      0xa9446146, 0x0fd0030e, 0xecc8c73e, 0xa4751e41,
      0xe238cd99, 0x3bea0e2f, 0x3280bba1, 0x183eb331,
      0x4e548b38, 0x4f6db908, 0x6f420d03, 0xf60a04bf,
      0x2cb81290, 0x24977c79, 0x5679b072, 0xbcaf89af,
      0xde9a771f, 0xd9930810, 0xb38bae12, 0xdccf3f2e,
      0x5512721f, 0x2e6b7124, 0x501adde6, 0x9f84cd87,
      0x7a584718, 0x7408da17, 0xbc9f9abc, 0xe94b7d8c,
      0xec7aec3a, 0xdb851dfa, 0x63094366, 0xc464c3d2,
      0xef1c1847, 0x3215d908, 0xdd433b37, 0x24c2ba16,
      0x12a14d43, 0x2a65c451, 0x50940002, 0x133ae4dd,
      0x71dff89e, 0x10314e55, 0x81ac77d6, 0x5f11199b,
      0x043556f1, 0xd7a3c76b, 0x3c11183b, 0x5924a509,
      0xf28fe6ed, 0x97f1fbfa, 0x9ebabf2c, 0x1e153c6e,
      0x86e34570, 0xeae96fb1, 0x860e5e0a, 0x5a3e2ab3,
      0x771fe71c, 0x4e3d06fa, 0x2965dcb9, 0x99e71d0f,
      0x803e89d6, 0x5266c825, 0x2e4cc978, 0x9c10b36a,
      0xc6150eba, 0x94e2ea78, 0xa5fc3c53, 0x1e0a2df4,
      0xf2f74ea7, 0x361d2b3d, 0x1939260f, 0x19c27960,
      0x5223a708, 0xf71312b6, 0xebadfe6e, 0xeac31f66,
      0xe3bc4595, 0xa67bc883, 0xb17f37d1, 0x018cff28,
      0xc332ddef, 0xbe6c5aa5, 0x65582185, 0x68ab9802,
      0xeecea50f, 0xdb2f953b, 0x2aef7dad, 0x5b6e2f84,
      0x1521b628, 0x29076170, 0xecdd4775, 0x619f1510,
      0x13cca830, 0xeb61bd96, 0x0334fe1e, 0xaa0363cf,
      0xb5735c90, 0x4c70a239, 0xd59e9e0b, 0xcbaade14,
      0xeecc86bc, 0x60622ca7, 0x9cab5cab, 0xb2f3846e,
      0x648b1eaf, 0x19bdf0ca, 0xa02369b9, 0x655abb50,
      0x40685a32, 0x3c2ab4b3, 0x319ee9d5, 0xc021b8f7,
      0x9b540b19, 0x875fa099, 0x95f7997e, 0x623d7da8,
      0xf837889a, 0x97e32d77, 0x11ed935f, 0x16681281,
      0x0e358829, 0xc7e61fd6, 0x96dedfa1, 0x7858ba99,
      0x57f584a5, 0x1b227263, 0x9b83c3ff, 0x1ac24696,
      0xcdb30aeb, 0x532e3054, 0x8fd948e4, 0x6dbc3128,
      0x58ebf2ef, 0x34c6ffea, 0xfe28ed61, 0xee7c3c73,
      0x5d4a14d9, 0xe864b7e3, 0x42105d14, 0x203e13e0,
      0x45eee2b6, 0xa3aaabea, 0xdb6c4f15, 0xfacb4fd0,
      0xc742f442, 0xef6abbb5, 0x654f3b1d, 0x41cd2105,
      0xd81e799e, 0x86854dc7, 0xe44b476a, 0x3d816250,
      0xcf62a1f2, 0x5b8d2646, 0xfc8883a0, 0xc1c7b6a3,
      0x7f1524c3, 0x69cb7492, 0x47848a0b, 0x5692b285,
      0x095bbf00, 0xad19489d, 0x1462b174, 0x23820e00,
      0x58428d2a, 0x0c55f5ea, 0x1dadf43e, 0x233f7061,
      0x3372f092, 0x8d937e41, 0xd65fecf1, 0x6c223bdb,
      0x7cde3759, 0xcbee7460, 0x4085f2a7, 0xce77326e,
      0xa6078084, 0x19f8509e, 0xe8efd855, 0x61d99735,
      0xa969a7aa, 0xc50c06c2, 0x5a04abfc, 0x800bcadc,
      0x9e447a2e, 0xc3453484, 0xfdd56705, 0x0e1e9ec9,
      0xdb73dbd3, 0x105588cd, 0x675fda79, 0xe3674340,
      0xc5c43465, 0x713e38d8, 0x3d28f89e, 0xf16dff20,
      0x153e21e7, 0x8fb03d4a, 0xe6e39f2b, 0xdb83adf7]),
    new Uint32Array([
      0xe93d5a68, 0x948140f7, 0xf64c261c, 0x94692934,
      0x411520f7, 0x7602d4f7, 0xbcf46b2e, 0xd4a20068,
      0xd4082471, 0x3320f46a, 0x43b7d4b7, 0x500061af,
      0x1e39f62e, 0x97244546, 0x14214f74, 0xbf8b8840,
      0x4d95fc1d, 0x96b591af, 0x70f4ddd3, 0x66a02f45,
      0xbfbc09ec, 0x03bd9785, 0x7fac6dd0, 0x31cb8504,
      0x96eb27b3, 0x55fd3941, 0xda2547e6, 0xabca0a9a,
      0x28507825, 0x530429f4, 0x0a2c86da, 0xe9b66dfb,
      0x68dc1462, 0xd7486900, 0x680ec0a4, 0x27a18dee,
      0x4f3ffea2, 0xe887ad8c, 0xb58ce006, 0x7af4d6b6,
      0xaace1e7c, 0xd3375fec, 0xce78a399, 0x406b2a42,
      0x20fe9e35, 0xd9f385b9, 0xee39d7ab, 0x3b124e8b,
      0x1dc9faf7, 0x4b6d1856, 0x26a36631, 0xeae397b2,
      0x3a6efa74, 0xdd5b4332, 0x6841e7f7, 0xca7820fb,
      0xfb0af54e, 0xd8feb397, 0x454056ac, 0xba489527,
      0x55533a3a, 0x20838d87, 0xfe6ba9b7, 0xd096954b,
      0x55a867bc, 0xa1159a58, 0xcca92963, 0x99e1db33,
      0xa62a4a56, 0x3f3125f9, 0x5ef47e1c, 0x9029317c,
      0xfdf8e802, 0x04272f70, 0x80bb155c, 0x05282ce3,
      0x95c11548, 0xe4c66d22, 0x48c1133f, 0xc70f86dc,
      0x07f9c9ee, 0x41041f0f, 0x404779a4, 0x5d886e17,
      0x325f51eb, 0xd59bc0d1, 0xf2bcc18f, 0x41113564,
      0x257b7834, 0x602a9c60, 0xdff8e8a3, 0x1f636c1b,
      0x0e12b4c2, 0x02e1329e, 0xaf664fd1, 0xcad18115,
      0x6b2395e0, 0x333e92e1, 0x3b240b62, 0xeebeb922,
      0x85b2a20e, 0xe6ba0d99, 0xde720c8c, 0x2da2f728,
      0xd0127845, 0x95b794fd, 0x647d0862, 0xe7ccf5f0,
      0x5449a36f, 0x877d48fa, 0xc39dfd27, 0xf33e8d1e,
      0x0a476341, 0x992eff74, 0x3a6f6eab, 0xf4f8fd37,
      0xa812dc60, 0xa1ebddf8, 0x991be14c, 0xdb6e6b0d,
      0xc67b5510, 0x6d672c37, 0x2765d43b, 0xdcd0e804,
      0xf1290dc7, 0xcc00ffa3, 0xb5390f92, 0x690fed0b,
      0x667b9ffb, 0xcedb7d9c, 0xa091cf0b, 0xd9155ea3,
      0xbb132f88, 0x515bad24, 0x7b9479bf, 0x763bd6eb,
      0x37392eb3, 0xcc115979, 0x8026e297, 0xf42e312d,
      0x6842ada7, 0xc66a2b3b, 0x12754ccc, 0x782ef11c,
      0x6a124237, 0xb79251e7, 0x06a1bbe6, 0x4bfb6350,
      0x1a6b1018, 0x11caedfa, 0x3d25bdd8, 0xe2e1c3c9,
      0x44421659, 0x0a121386, 0xd90cec6e, 0xd5abea2a,
      0x64af674e, 0xda86a85f, 0xbebfe988, 0x64e4c3fe,
      0x9dbc8057, 0xf0f7c086, 0x60787bf8, 0x6003604d,
      0xd1fd8346, 0xf6381fb0, 0x7745ae04, 0xd736fccc,
      0x83426b33, 0xf01eab71, 0xb0804187, 0x3c005e5f,
      0x77a057be, 0xbde8ae24, 0x55464299, 0xbf582e61,
      0x4e58f48f, 0xf2ddfda2, 0xf474ef38, 0x8789bdc2,
      0x5366f9c3, 0xc8b38e74, 0xb475f255, 0x46fcd9b9,
      0x7aeb2661, 0x8b1ddf84, 0x846a0e79, 0x915f95e2,
      0x466e598e, 0x20b45770, 0x8cd55591, 0xc902de4c,
      0xb90bace1, 0xbb8205d0, 0x11a86248, 0x7574a99e,
      0xb77f19b6, 0xe0a9dc09, 0x662d09a1, 0xc4324633,
      0xe85a1f02, 0x09f0be8c, 0x4a99a025, 0x1d6efe10,
      0x1ab93d1d, 0x0ba5a4df, 0xa186f20f, 0x2868f169,
      0xdcb7da83, 0x573906fe, 0xa1e2ce9b, 0x4fcd7f52,
      0x50115e01, 0xa70683fa, 0xa002b5c4, 0x0de6d027,
      0x9af88c27, 0x773f8641, 0xc3604c06, 0x61a806b5,
      0xf0177a28, 0xc0f586e0, 0x006058aa, 0x30dc7d62,
      0x11e69ed7, 0x2338ea63, 0x53c2dd94, 0xc2c21634,
      0xbbcbee56, 0x90bcb6de, 0xebfc7da1, 0xce591d76,
      0x6f05e409, 0x4b7c0188, 0x39720a3d, 0x7c927c24,
      0x86e3725f, 0x724d9db9, 0x1ac15bb4, 0xd39eb8fc,
      0xed545578, 0x08fca5b5, 0xd83d7cd3, 0x4dad0fc4,
      0x1e50ef5e, 0xb161e6f8, 0xa28514d9, 0x6c51133c,
      0x6fd5c7e7, 0x56e14ec4, 0x362abfce, 0xddc6c837,
      0xd79a3234, 0x92638212, 0x670efa8e, 0x406000e0]),
    new Uint32Array([
      0x3a39ce37, 0xd3faf5cf, 0xabc27737, 0x5ac52d1b,
      0x5cb0679e, 0x4fa33742, 0xd3822740, 0x99bc9bbe,
      0xd5118e9d, 0xbf0f7315, 0xd62d1c7e, 0xc700c47b,
      0xb78c1b6b, 0x21a19045, 0xb26eb1be, 0x6a366eb4,
      0x5748ab2f, 0xbc946e79, 0xc6a376d2, 0x6549c2c8,
      0x530ff8ee, 0x468dde7d, 0xd5730a1d, 0x4cd04dc6,
      0x2939bbdb, 0xa9ba4650, 0xac9526e8, 0xbe5ee304,
      0xa1fad5f0, 0x6a2d519a, 0x63ef8ce2, 0x9a86ee22,
      0xc089c2b8, 0x43242ef6, 0xa51e03aa, 0x9cf2d0a4,
      0x83c061ba, 0x9be96a4d, 0x8fe51550, 0xba645bd6,
      0x2826a2f9, 0xa73a3ae1, 0x4ba99586, 0xef5562e9,
      0xc72fefd3, 0xf752f7da, 0x3f046f69, 0x77fa0a59,
      0x80e4a915, 0x87b08601, 0x9b09e6ad, 0x3b3ee593,
      0xe990fd5a, 0x9e34d797, 0x2cf0b7d9, 0x022b8b51,
      0x96d5ac3a, 0x017da67d, 0xd1cf3ed6, 0x7c7d2d28,
      0x1f9f25cf, 0xadf2b89b, 0x5ad6b472, 0x5a88f54c,
      0xe029ac71, 0xe019a5e6, 0x47b0acfd, 0xed93fa9b,
      0xe8d3c48d, 0x283b57cc, 0xf8d56629, 0x79132e28,
      0x785f0191, 0xed756055, 0xf7960e44, 0xe3d35e8c,
      0x15056dd4, 0x88f46dba, 0x03a16125, 0x0564f0bd,
      0xc3eb9e15, 0x3c9057a2, 0x97271aec, 0xa93a072a,
      0x1b3f6d9b, 0x1e6321f5, 0xf59c66fb, 0x26dcf319,
      0x7533d928, 0xb155fdf5, 0x03563482, 0x8aba3cbb,
      0x28517711, 0xc20ad9f8, 0xabcc5167, 0xccad925f,
      0x4de81751, 0x3830dc8e, 0x379d5862, 0x9320f991,
      0xea7a90c2, 0xfb3e7bce, 0x5121ce64, 0x774fbe32,
      0xa8b6e37e, 0xc3293d46, 0x48de5369, 0x6413e680,
      0xa2ae0810, 0xdd6db224, 0x69852dfd, 0x09072166,
      0xb39a460a, 0x6445c0dd, 0x586cdecf, 0x1c20c8ae,
      0x5bbef7dd, 0x1b588d40, 0xccd2017f, 0x6bb4e3bb,
      0xdda26a7e, 0x3a59ff45, 0x3e350a44, 0xbcb4cdd5,
      0x72eacea8, 0xfa6484bb, 0x8d6612ae, 0xbf3c6f47,
      0xd29be463, 0x542f5d9e, 0xaec2771b, 0xf64e6370,
      0x740e0d8d, 0xe75b1357, 0xf8721671, 0xaf537d5d,
      0x4040cb08, 0x4eb4e2cc, 0x34d2466a, 0x0115af84,
      0xe1b00428, 0x95983a1d, 0x06b89fb4, 0xce6ea048,
      0x6f3f3b82, 0x3520ab82, 0x011a1d4b, 0x277227f8,
      0x611560b1, 0xe7933fdc, 0xbb3a792b, 0x344525bd,
      0xa08839e1, 0x51ce794b, 0x2f32c9b7, 0xa01fbac9,
      0xe01cc87e, 0xbcc7d1f6, 0xcf0111c3, 0xa1e8aac7,
      0x1a908749, 0xd44fbd9a, 0xd0dadecb, 0xd50ada38,
      0x0339c32a, 0xc6913667, 0x8df9317c, 0xe0b12b4f,
      0xf79e59b7, 0x43f5bb3a, 0xf2d519ff, 0x27d9459c,
      0xbf97222c, 0x15e6fc2a, 0x0f91fc71, 0x9b941525,
      0xfae59361, 0xceb69ceb, 0xc2a86459, 0x12baa8d1,
      0xb6c1075e, 0xe3056a0c, 0x10d25065, 0xcb03a442,
      0xe0ec6e0e, 0x1698db3b, 0x4c98a0be, 0x3278e964,
      0x9f1f9532, 0xe0d392df, 0xd3a0342b, 0x8971f21e,
      0x1b0a7441, 0x4ba3348c, 0xc5be7120, 0xc37632d8,
      0xdf359f8d, 0x9b992f2e, 0xe60b6f47, 0x0fe3f11d,
      0xe54cda54, 0x1edad891, 0xce6279cf, 0xcd3e7e6f,
      0x1618b166, 0xfd2c1d05, 0x848fd2c5, 0xf6fb2299,
      0xf523f357, 0xa6327623, 0x93a83531, 0x56cccd02,
      0xacf08162, 0x5a75ebb5, 0x6e163697, 0x88d273cc,
      0xde966292, 0x81b949d0, 0x4c50901b, 0x71c65614,
      0xe6c6c7bd, 0x327a140a, 0x45e1d006, 0xc3f27b9a,
      0xc9aa53fd, 0x62a80f00, 0xbb25bfe2, 0x35bdd2f6,
      0x71126905, 0xb2040222, 0xb6cbcf7c, 0xcd769c2b,
      0x53113ec0, 0x1640e3d3, 0x38abbd60, 0x2547adf0,
      0xba38209c, 0xf746ce76, 0x77afa1c5, 0x20756060,
      0x85cbfe4e, 0x8ae88dd8, 0x7aaaf9b0, 0x4cf9aa7e,
      0x1948c25c, 0x02fb8a8c, 0x01c36ae4, 0xd6ebe1f9,
      0x90d4f869, 0xa65cdea0, 0x3f09252d, 0xc208e69f,
      0xb74e6132, 0xce77e25b, 0x578fdfe3, 0x3ac372e6])
    ];
  this.P = new Uint32Array([
    0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344,
    0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89,
    0x452821e6, 0x38d01377, 0xbe5466cf, 0x34e90c6c,
    0xc0ac29b7, 0xc97c50dd, 0x3f84d5b5, 0xb5470917,
    0x9216d5d9, 0x8979fb1b]);
};

function F(S, x8, i) {
  return (((S[0][x8[i+3]] +
            S[1][x8[i+2]]) ^
            S[2][x8[i+1]]) +
            S[3][x8[i]]);
};

Blowfish.prototype.encipher = function(x, x8) {
  if (x8 === undefined) {
    x8 = new Uint8Array(x.buffer);
    if (x.byteOffset !== 0)
      x8 = x8.subarray(x.byteOffset);
  }
  x[0] ^= this.P[0];
  for (var i = 1; i < 16; i += 2) {
    x[1] ^= F(this.S, x8, 0) ^ this.P[i];
    x[0] ^= F(this.S, x8, 4) ^ this.P[i+1];
  }
  var t = x[0];
  x[0] = x[1] ^ this.P[17];
  x[1] = t;
};

Blowfish.prototype.decipher = function(x) {
  var x8 = new Uint8Array(x.buffer);
  if (x.byteOffset !== 0)
    x8 = x8.subarray(x.byteOffset);
  x[0] ^= this.P[17];
  for (var i = 16; i > 0; i -= 2) {
    x[1] ^= F(this.S, x8, 0) ^ this.P[i];
    x[0] ^= F(this.S, x8, 4) ^ this.P[i-1];
  }
  var t = x[0];
  x[0] = x[1] ^ this.P[0];
  x[1] = t;
};

function stream2word(data, databytes){
  var i, temp = 0;
  for (i = 0; i < 4; i++, BLF_J++) {
    if (BLF_J >= databytes) BLF_J = 0;
    temp = (temp << 8) | data[BLF_J];
  }
  return temp;
};

Blowfish.prototype.expand0state = function(key, keybytes) {
  var d = new Uint32Array(2), i, k;
  var d8 = new Uint8Array(d.buffer);

  for (i = 0, BLF_J = 0; i < 18; i++) {
    this.P[i] ^= stream2word(key, keybytes);
  }
  BLF_J = 0;

  for (i = 0; i < 18; i += 2) {
    this.encipher(d, d8);
    this.P[i]   = d[0];
    this.P[i+1] = d[1];
  }

  for (i = 0; i < 4; i++) {
    for (k = 0; k < 256; k += 2) {
      this.encipher(d, d8);
      this.S[i][k]   = d[0];
      this.S[i][k+1] = d[1];
    }
  }
};

Blowfish.prototype.expandstate = function(data, databytes, key, keybytes) {
  var d = new Uint32Array(2), i, k;

  for (i = 0, BLF_J = 0; i < 18; i++) {
    this.P[i] ^= stream2word(key, keybytes);
  }

  for (i = 0, BLF_J = 0; i < 18; i += 2) {
    d[0] ^= stream2word(data, databytes);
    d[1] ^= stream2word(data, databytes);
    this.encipher(d);
    this.P[i]   = d[0];
    this.P[i+1] = d[1];
  }

  for (i = 0; i < 4; i++) {
    for (k = 0; k < 256; k += 2) {
      d[0] ^= stream2word(data, databytes);
      d[1] ^= stream2word(data, databytes);
      this.encipher(d);
      this.S[i][k]   = d[0];
      this.S[i][k+1] = d[1];
    }
  }
  BLF_J = 0;
};

Blowfish.prototype.enc = function(data, blocks) {
  for (var i = 0; i < blocks; i++) {
    this.encipher(data.subarray(i*2));
  }
};

Blowfish.prototype.dec = function(data, blocks) {
  for (var i = 0; i < blocks; i++) {
    this.decipher(data.subarray(i*2));
  }
};

var BCRYPT_BLOCKS = 8,
    BCRYPT_HASHSIZE = 32;

function bcrypt_hash(sha2pass, sha2salt, out) {
  var state = new Blowfish(),
      cdata = new Uint32Array(BCRYPT_BLOCKS), i,
      ciphertext = new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,
            99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,
            105,116,101]); //"OxychromaticBlowfishSwatDynamite"

  state.expandstate(sha2salt, 64, sha2pass, 64);
  for (i = 0; i < 64; i++) {
    state.expand0state(sha2salt, 64);
    state.expand0state(sha2pass, 64);
  }

  for (i = 0; i < BCRYPT_BLOCKS; i++)
    cdata[i] = stream2word(ciphertext, ciphertext.byteLength);
  for (i = 0; i < 64; i++)
    state.enc(cdata, cdata.byteLength / 8);

  for (i = 0; i < BCRYPT_BLOCKS; i++) {
    out[4*i+3] = cdata[i] >>> 24;
    out[4*i+2] = cdata[i] >>> 16;
    out[4*i+1] = cdata[i] >>> 8;
    out[4*i+0] = cdata[i];
  }
};

function bcrypt_pbkdf(pass, passlen, salt, saltlen, key, keylen, rounds) {
  var sha2pass = new Uint8Array(64),
      sha2salt = new Uint8Array(64),
      out = new Uint8Array(BCRYPT_HASHSIZE),
      tmpout = new Uint8Array(BCRYPT_HASHSIZE),
      countsalt = new Uint8Array(saltlen+4),
      i, j, amt, stride, dest, count,
      origkeylen = keylen;

  if (rounds < 1)
    return -1;
  if (passlen === 0 || saltlen === 0 || keylen === 0 ||
      keylen > (out.byteLength * out.byteLength) || saltlen > (1<<20))
    return -1;

  stride = Math.floor((keylen + out.byteLength - 1) / out.byteLength);
  amt = Math.floor((keylen + stride - 1) / stride);

  for (i = 0; i < saltlen; i++)
    countsalt[i] = salt[i];

  crypto_hash_sha512(sha2pass, pass, passlen);

  for (count = 1; keylen > 0; count++) {
    countsalt[saltlen+0] = count >>> 24;
    countsalt[saltlen+1] = count >>> 16;
    countsalt[saltlen+2] = count >>>  8;
    countsalt[saltlen+3] = count;

    crypto_hash_sha512(sha2salt, countsalt, saltlen + 4);
    bcrypt_hash(sha2pass, sha2salt, tmpout);
    for (i = out.byteLength; i--;)
      out[i] = tmpout[i];

    for (i = 1; i < rounds; i++) {
      crypto_hash_sha512(sha2salt, tmpout, tmpout.byteLength);
      bcrypt_hash(sha2pass, sha2salt, tmpout);
      for (j = 0; j < out.byteLength; j++)
        out[j] ^= tmpout[j];
    }

    amt = Math.min(amt, keylen);
    for (i = 0; i < amt; i++) {
      dest = i * stride + (count - 1);
      if (dest >= origkeylen)
        break;
      key[dest] = out[i];
    }
    keylen -= i;
  }

  return 0;
};

module.exports = {
      BLOCKS: BCRYPT_BLOCKS,
      HASHSIZE: BCRYPT_HASHSIZE,
      hash: bcrypt_hash,
      pbkdf: bcrypt_pbkdf
};


/***/ }),

/***/ 668:
/***/ ((module, __unused_webpack_exports, __nccwpck_require__) => {

(function(nacl) {
'use strict';

// Ported in 2014 by Dmitry Chestnykh and Devi Mandiri.
// Public domain.
//
// Implementation derived from TweetNaCl version 20140427.
// See for details: http://tweetnacl.cr.yp.to/

var gf = function(init) {
  var i, r = new Float64Array(16);
  if (init) for (i = 0; i < init.length; i++) r[i] = init[i];
  return r;
};

//  Pluggable, initialized in high-level API below.
var randombytes = function(/* x, n */) { throw new Error('no PRNG'); };

var _0 = new Uint8Array(16);
var _9 = new Uint8Array(32); _9[0] = 9;

var gf0 = gf(),
    gf1 = gf([1]),
    _121665 = gf([0xdb41, 1]),
    D = gf([0x78a3, 0x1359, 0x4dca, 0x75eb, 0xd8ab, 0x4141, 0x0a4d, 0x0070, 0xe898, 0x7779, 0x4079, 0x8cc7, 0xfe73, 0x2b6f, 0x6cee, 0x5203]),
    D2 = gf([0xf159, 0x26b2, 0x9b94, 0xebd6, 0xb156, 0x8283, 0x149a, 0x00e0, 0xd130, 0xeef3, 0x80f2, 0x198e, 0xfce7, 0x56df, 0xd9dc, 0x2406]),
    X = gf([0xd51a, 0x8f25, 0x2d60, 0xc956, 0xa7b2, 0x9525, 0xc760, 0x692c, 0xdc5c, 0xfdd6, 0xe231, 0xc0a4, 0x53fe, 0xcd6e, 0x36d3, 0x2169]),
    Y = gf([0x6658, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666]),
    I = gf([0xa0b0, 0x4a0e, 0x1b27, 0xc4ee, 0xe478, 0xad2f, 0x1806, 0x2f43, 0xd7a7, 0x3dfb, 0x0099, 0x2b4d, 0xdf0b, 0x4fc1, 0x2480, 0x2b83]);

function ts64(x, i, h, l) {
  x[i]   = (h >> 24) & 0xff;
  x[i+1] = (h >> 16) & 0xff;
  x[i+2] = (h >>  8) & 0xff;
  x[i+3] = h & 0xff;
  x[i+4] = (l >> 24)  & 0xff;
  x[i+5] = (l >> 16)  & 0xff;
  x[i+6] = (l >>  8)  & 0xff;
  x[i+7] = l & 0xff;
}

function vn(x, xi, y, yi, n) {
  var i,d = 0;
  for (i = 0; i < n; i++) d |= x[xi+i]^y[yi+i];
  return (1 & ((d - 1) >>> 8)) - 1;
}

function crypto_verify_16(x, xi, y, yi) {
  return vn(x,xi,y,yi,16);
}

function crypto_verify_32(x, xi, y, yi) {
  return vn(x,xi,y,yi,32);
}

function core_salsa20(o, p, k, c) {
  var j0  = c[ 0] & 0xff | (c[ 1] & 0xff)<<8 | (c[ 2] & 0xff)<<16 | (c[ 3] & 0xff)<<24,
      j1  = k[ 0] & 0xff | (k[ 1] & 0xff)<<8 | (k[ 2] & 0xff)<<16 | (k[ 3] & 0xff)<<24,
      j2  = k[ 4] & 0xff | (k[ 5] & 0xff)<<8 | (k[ 6] & 0xff)<<16 | (k[ 7] & 0xff)<<24,
      j3  = k[ 8] & 0xff | (k[ 9] & 0xff)<<8 | (k[10] & 0xff)<<16 | (k[11] & 0xff)<<24,
      j4  = k[12] & 0xff | (k[13] & 0xff)<<8 | (k[14] & 0xff)<<16 | (k[15] & 0xff)<<24,
      j5  = c[ 4] & 0xff | (c[ 5] & 0xff)<<8 | (c[ 6] & 0xff)<<16 | (c[ 7] & 0xff)<<24,
      j6  = p[ 0] & 0xff | (p[ 1] & 0xff)<<8 | (p[ 2] & 0xff)<<16 | (p[ 3] & 0xff)<<24,
      j7  = p[ 4] & 0xff | (p[ 5] & 0xff)<<8 | (p[ 6] & 0xff)<<16 | (p[ 7] & 0xff)<<24,
      j8  = p[ 8] & 0xff | (p[ 9] & 0xff)<<8 | (p[10] & 0xff)<<16 | (p[11] & 0xff)<<24,
      j9  = p[12] & 0xff | (p[13] & 0xff)<<8 | (p[14] & 0xff)<<16 | (p[15] & 0xff)<<24,
      j10 = c[ 8] & 0xff | (c[ 9] & 0xff)<<8 | (c[10] & 0xff)<<16 | (c[11] & 0xff)<<24,
      j11 = k[16] & 0xff | (k[17] & 0xff)<<8 | (k[18] & 0xff)<<16 | (k[19] & 0xff)<<24,
      j12 = k[20] & 0xff | (k[21] & 0xff)<<8 | (k[22] & 0xff)<<16 | (k[23] & 0xff)<<24,
      j13 = k[24] & 0xff | (k[25] & 0xff)<<8 | (k[26] & 0xff)<<16 | (k[27] & 0xff)<<24,
      j14 = k[28] & 0xff | (k[29] & 0xff)<<8 | (k[30] & 0xff)<<16 | (k[31] & 0xff)<<24,
      j15 = c[12] & 0xff | (c[13] & 0xff)<<8 | (c[14] & 0xff)<<16 | (c[15] & 0xff)<<24;

  var x0 = j0, x1 = j1, x2 = j2, x3 = j3, x4 = j4, x5 = j5, x6 = j6, x7 = j7,
      x8 = j8, x9 = j9, x10 = j10, x11 = j11, x12 = j12, x13 = j13, x14 = j14,
      x15 = j15, u;

  for (var i = 0; i < 20; i += 2) {
    u = x0 + x12 | 0;
    x4 ^= u<<7 | u>>>(32-7);
    u = x4 + x0 | 0;
    x8 ^= u<<9 | u>>>(32-9);
    u = x8 + x4 | 0;
    x12 ^= u<<13 | u>>>(32-13);
    u = x12 + x8 | 0;
    x0 ^= u<<18 | u>>>(32-18);

    u = x5 + x1 | 0;
    x9 ^= u<<7 | u>>>(32-7);
    u = x9 + x5 | 0;
    x13 ^= u<<9 | u>>>(32-9);
    u = x13 + x9 | 0;
    x1 ^= u<<13 | u>>>(32-13);
    u = x1 + x13 | 0;
    x5 ^= u<<18 | u>>>(32-18);

    u = x10 + x6 | 0;
    x14 ^= u<<7 | u>>>(32-7);
    u = x14 + x10 | 0;
    x2 ^= u<<9 | u>>>(32-9);
    u = x2 + x14 | 0;
    x6 ^= u<<13 | u>>>(32-13);
    u = x6 + x2 | 0;
    x10 ^= u<<18 | u>>>(32-18);

    u = x15 + x11 | 0;
    x3 ^= u<<7 | u>>>(32-7);
    u = x3 + x15 | 0;
    x7 ^= u<<9 | u>>>(32-9);
    u = x7 + x3 | 0;
    x11 ^= u<<13 | u>>>(32-13);
    u = x11 + x7 | 0;
    x15 ^= u<<18 | u>>>(32-18);

    u = x0 + x3 | 0;
    x1 ^= u<<7 | u>>>(32-7);
    u = x1 + x0 | 0;
    x2 ^= u<<9 | u>>>(32-9);
    u = x2 + x1 | 0;
    x3 ^= u<<13 | u>>>(32-13);
    u = x3 + x2 | 0;
    x0 ^= u<<18 | u>>>(32-18);

    u = x5 + x4 | 0;
    x6 ^= u<<7 | u>>>(32-7);
    u = x6 + x5 | 0;
    x7 ^= u<<9 | u>>>(32-9);
    u = x7 + x6 | 0;
    x4 ^= u<<13 | u>>>(32-13);
    u = x4 + x7 | 0;
    x5 ^= u<<18 | u>>>(32-18);

    u = x10 + x9 | 0;
    x11 ^= u<<7 | u>>>(32-7);
    u = x11 + x10 | 0;
    x8 ^= u<<9 | u>>>(32-9);
    u = x8 + x11 | 0;
    x9 ^= u<<13 | u>>>(32-13);
    u = x9 + x8 | 0;
    x10 ^= u<<18 | u>>>(32-18);

    u = x15 + x14 | 0;
    x12 ^= u<<7 | u>>>(32-7);
    u = x12 + x15 | 0;
    x13 ^= u<<9 | u>>>(32-9);
    u = x13 + x12 | 0;
    x14 ^= u<<13 | u>>>(32-13);
    u = x14 + x13 | 0;
    x15 ^= u<<18 | u>>>(32-18);
  }
   x0 =  x0 +  j0 | 0;
   x1 =  x1 +  j1 | 0;
   x2 =  x2 +  j2 | 0;
   x3 =  x3 +  j3 | 0;
   x4 =  x4 +  j4 | 0;
   x5 =  x5 +  j5 | 0;
   x6 =  x6 +  j6 | 0;
   x7 =  x7 +  j7 | 0;
   x8 =  x8 +  j8 | 0;
   x9 =  x9 +  j9 | 0;
  x10 = x10 + j10 | 0;
  x11 = x11 + j11 | 0;
  x12 = x12 + j12 | 0;
  x13 = x13 + j13 | 0;
  x14 = x14 + j14 | 0;
  x15 = x15 + j15 | 0;

  o[ 0] = x0 >>>  0 & 0xff;
  o[ 1] = x0 >>>  8 & 0xff;
  o[ 2] = x0 >>> 16 & 0xff;
  o[ 3] = x0 >>> 24 & 0xff;

  o[ 4] = x1 >>>  0 & 0xff;
  o[ 5] = x1 >>>  8 & 0xff;
  o[ 6] = x1 >>> 16 & 0xff;
  o[ 7] = x1 >>> 24 & 0xff;

  o[ 8] = x2 >>>  0 & 0xff;
  o[ 9] = x2 >>>  8 & 0xff;
  o[10] = x2 >>> 16 & 0xff;
  o[11] = x2 >>> 24 & 0xff;

  o[12] = x3 >>>  0 & 0xff;
  o[13] = x3 >>>  8 & 0xff;
  o[14] = x3 >>> 16 & 0xff;
  o[15] = x3 >>> 24 & 0xff;

  o[16] = x4 >>>  0 & 0xff;
  o[17] = x4 >>>  8 & 0xff;
  o[18] = x4 >>> 16 & 0xff;
  o[19] = x4 >>> 24 & 0xff;

  o[20] = x5 >>>  0 & 0xff;
  o[21] = x5 >>>  8 & 0xff;
  o[22] = x5 >>> 16 & 0xff;
  o[23] = x5 >>> 24 & 0xff;

  o[24] = x6 >>>  0 & 0xff;
  o[25] = x6 >>>  8 & 0xff;
  o[26] = x6 >>> 16 & 0xff;
  o[27] = x6 >>> 24 & 0xff;

  o[28] = x7 >>>  0 & 0xff;
  o[29] = x7 >>>  8 & 0xff;
  o[30] = x7 >>> 16 & 0xff;
  o[31] = x7 >>> 24 & 0xff;

  o[32] = x8 >>>  0 & 0xff;
  o[33] = x8 >>>  8 & 0xff;
  o[34] = x8 >>> 16 & 0xff;
  o[35] = x8 >>> 24 & 0xff;

  o[36] = x9 >>>  0 & 0xff;
  o[37] = x9 >>>  8 & 0xff;
  o[38] = x9 >>> 16 & 0xff;
  o[39] = x9 >>> 24 & 0xff;

  o[40] = x10 >>>  0 & 0xff;
  o[41] = x10 >>>  8 & 0xff;
  o[42] = x10 >>> 16 & 0xff;
  o[43] = x10 >>> 24 & 0xff;

  o[44] = x11 >>>  0 & 0xff;
  o[45] = x11 >>>  8 & 0xff;
  o[46] = x11 >>> 16 & 0xff;
  o[47] = x11 >>> 24 & 0xff;

  o[48] = x12 >>>  0 & 0xff;
  o[49] = x12 >>>  8 & 0xff;
  o[50] = x12 >>> 16 & 0xff;
  o[51] = x12 >>> 24 & 0xff;

  o[52] = x13 >>>  0 & 0xff;
  o[53] = x13 >>>  8 & 0xff;
  o[54] = x13 >>> 16 & 0xff;
  o[55] = x13 >>> 24 & 0xff;

  o[56] = x14 >>>  0 & 0xff;
  o[57] = x14 >>>  8 & 0xff;
  o[58] = x14 >>> 16 & 0xff;
  o[59] = x14 >>> 24 & 0xff;

  o[60] = x15 >>>  0 & 0xff;
  o[61] = x15 >>>  8 & 0xff;
  o[62] = x15 >>> 16 & 0xff;
  o[63] = x15 >>> 24 & 0xff;
}

function core_hsalsa20(o,p,k,c) {
  var j0  = c[ 0] & 0xff | (c[ 1] & 0xff)<<8 | (c[ 2] & 0xff)<<16 | (c[ 3] & 0xff)<<24,
      j1  = k[ 0] & 0xff | (k[ 1] & 0xff)<<8 | (k[ 2] & 0xff)<<16 | (k[ 3] & 0xff)<<24,
      j2  = k[ 4] & 0xff | (k[ 5] & 0xff)<<8 | (k[ 6] & 0xff)<<16 | (k[ 7] & 0xff)<<24,
      j3  = k[ 8] & 0xff | (k[ 9] & 0xff)<<8 | (k[10] & 0xff)<<16 | (k[11] & 0xff)<<24,
      j4  = k[12] & 0xff | (k[13] & 0xff)<<8 | (k[14] & 0xff)<<16 | (k[15] & 0xff)<<24,
      j5  = c[ 4] & 0xff | (c[ 5] & 0xff)<<8 | (c[ 6] & 0xff)<<16 | (c[ 7] & 0xff)<<24,
      j6  = p[ 0] & 0xff | (p[ 1] & 0xff)<<8 | (p[ 2] & 0xff)<<16 | (p[ 3] & 0xff)<<24,
      j7  = p[ 4] & 0xff | (p[ 5] & 0xff)<<8 | (p[ 6] & 0xff)<<16 | (p[ 7] & 0xff)<<24,
      j8  = p[ 8] & 0xff | (p[ 9] & 0xff)<<8 | (p[10] & 0xff)<<16 | (p[11] & 0xff)<<24,
      j9  = p[12] & 0xff | (p[13] & 0xff)<<8 | (p[14] & 0xff)<<16 | (p[15] & 0xff)<<24,
      j10 = c[ 8] & 0xff | (c[ 9] & 0xff)<<8 | (c[10] & 0xff)<<16 | (c[11] & 0xff)<<24,
      j11 = k[16] & 0xff | (k[17] & 0xff)<<8 | (k[18] & 0xff)<<16 | (k[19] & 0xff)<<24,
      j12 = k[20] & 0xff | (k[21] & 0xff)<<8 | (k[22] & 0xff)<<16 | (k[23] & 0xff)<<24,
      j13 = k[24] & 0xff | (k[25] & 0xff)<<8 | (k[26] & 0xff)<<16 | (k[27] & 0xff)<<24,
      j14 = k[28] & 0xff | (k[29] & 0xff)<<8 | (k[30] & 0xff)<<16 | (k[31] & 0xff)<<24,
      j15 = c[12] & 0xff | (c[13] & 0xff)<<8 | (c[14] & 0xff)<<16 | (c[15] & 0xff)<<24;

  var x0 = j0, x1 = j1, x2 = j2, x3 = j3, x4 = j4, x5 = j5, x6 = j6, x7 = j7,
      x8 = j8, x9 = j9, x10 = j10, x11 = j11, x12 = j12, x13 = j13, x14 = j14,
      x15 = j15, u;

  for (var i = 0; i < 20; i += 2) {
    u = x0 + x12 | 0;
    x4 ^= u<<7 | u>>>(32-7);
    u = x4 + x0 | 0;
    x8 ^= u<<9 | u>>>(32-9);
    u = x8 + x4 | 0;
    x12 ^= u<<13 | u>>>(32-13);
    u = x12 + x8 | 0;
    x0 ^= u<<18 | u>>>(32-18);

    u = x5 + x1 | 0;
    x9 ^= u<<7 | u>>>(32-7);
    u = x9 + x5 | 0;
    x13 ^= u<<9 | u>>>(32-9);
    u = x13 + x9 | 0;
    x1 ^= u<<13 | u>>>(32-13);
    u = x1 + x13 | 0;
    x5 ^= u<<18 | u>>>(32-18);

    u = x10 + x6 | 0;
    x14 ^= u<<7 | u>>>(32-7);
    u = x14 + x10 | 0;
    x2 ^= u<<9 | u>>>(32-9);
    u = x2 + x14 | 0;
    x6 ^= u<<13 | u>>>(32-13);
    u = x6 + x2 | 0;
    x10 ^= u<<18 | u>>>(32-18);

    u = x15 + x11 | 0;
    x3 ^= u<<7 | u>>>(32-7);
    u = x3 + x15 | 0;
    x7 ^= u<<9 | u>>>(32-9);
    u = x7 + x3 | 0;
    x11 ^= u<<13 | u>>>(32-13);
    u = x11 + x7 | 0;
    x15 ^= u<<18 | u>>>(32-18);

    u = x0 + x3 | 0;
    x1 ^= u<<7 | u>>>(32-7);
    u = x1 + x0 | 0;
    x2 ^= u<<9 | u>>>(32-9);
    u = x2 + x1 | 0;
    x3 ^= u<<13 | u>>>(32-13);
    u = x3 + x2 | 0;
    x0 ^= u<<18 | u>>>(32-18);

    u = x5 + x4 | 0;
    x6 ^= u<<7 | u>>>(32-7);
    u = x6 + x5 | 0;
    x7 ^= u<<9 | u>>>(32-9);
    u = x7 + x6 | 0;
    x4 ^= u<<13 | u>>>(32-13);
    u = x4 + x7 | 0;
    x5 ^= u<<18 | u>>>(32-18);

    u = x10 + x9 | 0;
    x11 ^= u<<7 | u>>>(32-7);
    u = x11 + x10 | 0;
    x8 ^= u<<9 | u>>>(32-9);
    u = x8 + x11 | 0;
    x9 ^= u<<13 | u>>>(32-13);
    u = x9 + x8 | 0;
    x10 ^= u<<18 | u>>>(32-18);

    u = x15 + x14 | 0;
    x12 ^= u<<7 | u>>>(32-7);
    u = x12 + x15 | 0;
    x13 ^= u<<9 | u>>>(32-9);
    u = x13 + x12 | 0;
    x14 ^= u<<13 | u>>>(32-13);
    u = x14 + x13 | 0;
    x15 ^= u<<18 | u>>>(32-18);
  }

  o[ 0] = x0 >>>  0 & 0xff;
  o[ 1] = x0 >>>  8 & 0xff;
  o[ 2] = x0 >>> 16 & 0xff;
  o[ 3] = x0 >>> 24 & 0xff;

  o[ 4] = x5 >>>  0 & 0xff;
  o[ 5] = x5 >>>  8 & 0xff;
  o[ 6] = x5 >>> 16 & 0xff;
  o[ 7] = x5 >>> 24 & 0xff;

  o[ 8] = x10 >>>  0 & 0xff;
  o[ 9] = x10 >>>  8 & 0xff;
  o[10] = x10 >>> 16 & 0xff;
  o[11] = x10 >>> 24 & 0xff;

  o[12] = x15 >>>  0 & 0xff;
  o[13] = x15 >>>  8 & 0xff;
  o[14] = x15 >>> 16 & 0xff;
  o[15] = x15 >>> 24 & 0xff;

  o[16] = x6 >>>  0 & 0xff;
  o[17] = x6 >>>  8 & 0xff;
  o[18] = x6 >>> 16 & 0xff;
  o[19] = x6 >>> 24 & 0xff;

  o[20] = x7 >>>  0 & 0xff;
  o[21] = x7 >>>  8 & 0xff;
  o[22] = x7 >>> 16 & 0xff;
  o[23] = x7 >>> 24 & 0xff;

  o[24] = x8 >>>  0 & 0xff;
  o[25] = x8 >>>  8 & 0xff;
  o[26] = x8 >>> 16 & 0xff;
  o[27] = x8 >>> 24 & 0xff;

  o[28] = x9 >>>  0 & 0xff;
  o[29] = x9 >>>  8 & 0xff;
  o[30] = x9 >>> 16 & 0xff;
  o[31] = x9 >>> 24 & 0xff;
}

function crypto_core_salsa20(out,inp,k,c) {
  core_salsa20(out,inp,k,c);
}

function crypto_core_hsalsa20(out,inp,k,c) {
  core_hsalsa20(out,inp,k,c);
}

var sigma = new Uint8Array([101, 120, 112, 97, 110, 100, 32, 51, 50, 45, 98, 121, 116, 101, 32, 107]);
            // "expand 32-byte k"

function crypto_stream_salsa20_xor(c,cpos,m,mpos,b,n,k) {
  var z = new Uint8Array(16), x = new Uint8Array(64);
  var u, i;
  for (i = 0; i < 16; i++) z[i] = 0;
  for (i = 0; i < 8; i++) z[i] = n[i];
  while (b >= 64) {
    crypto_core_salsa20(x,z,k,sigma);
    for (i = 0; i < 64; i++) c[cpos+i] = m[mpos+i] ^ x[i];
    u = 1;
    for (i = 8; i < 16; i++) {
      u = u + (z[i] & 0xff) | 0;
      z[i] = u & 0xff;
      u >>>= 8;
    }
    b -= 64;
    cpos += 64;
    mpos += 64;
  }
  if (b > 0) {
    crypto_core_salsa20(x,z,k,sigma);
    for (i = 0; i < b; i++) c[cpos+i] = m[mpos+i] ^ x[i];
  }
  return 0;
}

function crypto_stream_salsa20(c,cpos,b,n,k) {
  var z = new Uint8Array(16), x = new Uint8Array(64);
  var u, i;
  for (i = 0; i < 16; i++) z[i] = 0;
  for (i = 0; i < 8; i++) z[i] = n[i];
  while (b >= 64) {
    crypto_core_salsa20(x,z,k,sigma);
    for (i = 0; i < 64; i++) c[cpos+i] = x[i];
    u = 1;
    for (i = 8; i < 16; i++) {
      u = u + (z[i] & 0xff) | 0;
      z[i] = u & 0xff;
      u >>>= 8;
    }
    b -= 64;
    cpos += 64;
  }
  if (b > 0) {
    crypto_core_salsa20(x,z,k,sigma);
    for (i = 0; i < b; i++) c[cpos+i] = x[i];
  }
  return 0;
}

function crypto_stream(c,cpos,d,n,k) {
  var s = new Uint8Array(32);
  crypto_core_hsalsa20(s,n,k,sigma);
  var sn = new Uint8Array(8);
  for (var i = 0; i < 8; i++) sn[i] = n[i+16];
  return crypto_stream_salsa20(c,cpos,d,sn,s);
}

function crypto_stream_xor(c,cpos,m,mpos,d,n,k) {
  var s = new Uint8Array(32);
  crypto_core_hsalsa20(s,n,k,sigma);
  var sn = new Uint8Array(8);
  for (var i = 0; i < 8; i++) sn[i] = n[i+16];
  return crypto_stream_salsa20_xor(c,cpos,m,mpos,d,sn,s);
}

/*
* Port of Andrew Moon's Poly1305-donna-16. Public domain.
* https://github.com/floodyberry/poly1305-donna
*/

var poly1305 = function(key) {
  this.buffer = new Uint8Array(16);
  this.r = new Uint16Array(10);
  this.h = new Uint16Array(10);
  this.pad = new Uint16Array(8);
  this.leftover = 0;
  this.fin = 0;

  var t0, t1, t2, t3, t4, t5, t6, t7;

  t0 = key[ 0] & 0xff | (key[ 1] & 0xff) << 8; this.r[0] = ( t0                     ) & 0x1fff;
  t1 = key[ 2] & 0xff | (key[ 3] & 0xff) << 8; this.r[1] = ((t0 >>> 13) | (t1 <<  3)) & 0x1fff;
  t2 = key[ 4] & 0xff | (key[ 5] & 0xff) << 8; this.r[2] = ((t1 >>> 10) | (t2 <<  6)) & 0x1f03;
  t3 = key[ 6] & 0xff | (key[ 7] & 0xff) << 8; this.r[3] = ((t2 >>>  7) | (t3 <<  9)) & 0x1fff;
  t4 = key[ 8] & 0xff | (key[ 9] & 0xff) << 8; this.r[4] = ((t3 >>>  4) | (t4 << 12)) & 0x00ff;
  this.r[5] = ((t4 >>>  1)) & 0x1ffe;
  t5 = key[10] & 0xff | (key[11] & 0xff) << 8; this.r[6] = ((t4 >>> 14) | (t5 <<  2)) & 0x1fff;
  t6 = key[12] & 0xff | (key[13] & 0xff) << 8; this.r[7] = ((t5 >>> 11) | (t6 <<  5)) & 0x1f81;
  t7 = key[14] & 0xff | (key[15] & 0xff) << 8; this.r[8] = ((t6 >>>  8) | (t7 <<  8)) & 0x1fff;
  this.r[9] = ((t7 >>>  5)) & 0x007f;

  this.pad[0] = key[16] & 0xff | (key[17] & 0xff) << 8;
  this.pad[1] = key[18] & 0xff | (key[19] & 0xff) << 8;
  this.pad[2] = key[20] & 0xff | (key[21] & 0xff) << 8;
  this.pad[3] = key[22] & 0xff | (key[23] & 0xff) << 8;
  this.pad[4] = key[24] & 0xff | (key[25] & 0xff) << 8;
  this.pad[5] = key[26] & 0xff | (key[27] & 0xff) << 8;
  this.pad[6] = key[28] & 0xff | (key[29] & 0xff) << 8;
  this.pad[7] = key[30] & 0xff | (key[31] & 0xff) << 8;
};

poly1305.prototype.blocks = function(m, mpos, bytes) {
  var hibit = this.fin ? 0 : (1 << 11);
  var t0, t1, t2, t3, t4, t5, t6, t7, c;
  var d0, d1, d2, d3, d4, d5, d6, d7, d8, d9;

  var h0 = this.h[0],
      h1 = this.h[1],
      h2 = this.h[2],
      h3 = this.h[3],
      h4 = this.h[4],
      h5 = this.h[5],
      h6 = this.h[6],
      h7 = this.h[7],
      h8 = this.h[8],
      h9 = this.h[9];

  var r0 = this.r[0],
      r1 = this.r[1],
      r2 = this.r[2],
      r3 = this.r[3],
      r4 = this.r[4],
      r5 = this.r[5],
      r6 = this.r[6],
      r7 = this.r[7],
      r8 = this.r[8],
      r9 = this.r[9];

  while (bytes >= 16) {
    t0 = m[mpos+ 0] & 0xff | (m[mpos+ 1] & 0xff) << 8; h0 += ( t0                     ) & 0x1fff;
    t1 = m[mpos+ 2] & 0xff | (m[mpos+ 3] & 0xff) << 8; h1 += ((t0 >>> 13) | (t1 <<  3)) & 0x1fff;
    t2 = m[mpos+ 4] & 0xff | (m[mpos+ 5] & 0xff) << 8; h2 += ((t1 >>> 10) | (t2 <<  6)) & 0x1fff;
    t3 = m[mpos+ 6] & 0xff | (m[mpos+ 7] & 0xff) << 8; h3 += ((t2 >>>  7) | (t3 <<  9)) & 0x1fff;
    t4 = m[mpos+ 8] & 0xff | (m[mpos+ 9] & 0xff) << 8; h4 += ((t3 >>>  4) | (t4 << 12)) & 0x1fff;
    h5 += ((t4 >>>  1)) & 0x1fff;
    t5 = m[mpos+10] & 0xff | (m[mpos+11] & 0xff) << 8; h6 += ((t4 >>> 14) | (t5 <<  2)) & 0x1fff;
    t6 = m[mpos+12] & 0xff | (m[mpos+13] & 0xff) << 8; h7 += ((t5 >>> 11) | (t6 <<  5)) & 0x1fff;
    t7 = m[mpos+14] & 0xff | (m[mpos+15] & 0xff) << 8; h8 += ((t6 >>>  8) | (t7 <<  8)) & 0x1fff;
    h9 += ((t7 >>> 5)) | hibit;

    c = 0;

    d0 = c;
    d0 += h0 * r0;
    d0 += h1 * (5 * r9);
    d0 += h2 * (5 * r8);
    d0 += h3 * (5 * r7);
    d0 += h4 * (5 * r6);
    c = (d0 >>> 13); d0 &= 0x1fff;
    d0 += h5 * (5 * r5);
    d0 += h6 * (5 * r4);
    d0 += h7 * (5 * r3);
    d0 += h8 * (5 * r2);
    d0 += h9 * (5 * r1);
    c += (d0 >>> 13); d0 &= 0x1fff;

    d1 = c;
    d1 += h0 * r1;
    d1 += h1 * r0;
    d1 += h2 * (5 * r9);
    d1 += h3 * (5 * r8);
    d1 += h4 * (5 * r7);
    c = (d1 >>> 13); d1 &= 0x1fff;
    d1 += h5 * (5 * r6);
    d1 += h6 * (5 * r5);
    d1 += h7 * (5 * r4);
    d1 += h8 * (5 * r3);
    d1 += h9 * (5 * r2);
    c += (d1 >>> 13); d1 &= 0x1fff;

    d2 = c;
    d2 += h0 * r2;
    d2 += h1 * r1;
    d2 += h2 * r0;
    d2 += h3 * (5 * r9);
    d2 += h4 * (5 * r8);
    c = (d2 >>> 13); d2 &= 0x1fff;
    d2 += h5 * (5 * r7);
    d2 += h6 * (5 * r6);
    d2 += h7 * (5 * r5);
    d2 += h8 * (5 * r4);
    d2 += h9 * (5 * r3);
    c += (d2 >>> 13); d2 &= 0x1fff;

    d3 = c;
    d3 += h0 * r3;
    d3 += h1 * r2;
    d3 += h2 * r1;
    d3 += h3 * r0;
    d3 += h4 * (5 * r9);
    c = (d3 >>> 13); d3 &= 0x1fff;
    d3 += h5 * (5 * r8);
    d3 += h6 * (5 * r7);
    d3 += h7 * (5 * r6);
    d3 += h8 * (5 * r5);
    d3 += h9 * (5 * r4);
    c += (d3 >>> 13); d3 &= 0x1fff;

    d4 = c;
    d4 += h0 * r4;
    d4 += h1 * r3;
    d4 += h2 * r2;
    d4 += h3 * r1;
    d4 += h4 * r0;
    c = (d4 >>> 13); d4 &= 0x1fff;
    d4 += h5 * (5 * r9);
    d4 += h6 * (5 * r8);
    d4 += h7 * (5 * r7);
    d4 += h8 * (5 * r6);
    d4 += h9 * (5 * r5);
    c += (d4 >>> 13); d4 &= 0x1fff;

    d5 = c;
    d5 += h0 * r5;
    d5 += h1 * r4;
    d5 += h2 * r3;
    d5 += h3 * r2;
    d5 += h4 * r1;
    c = (d5 >>> 13); d5 &= 0x1fff;
    d5 += h5 * r0;
    d5 += h6 * (5 * r9);
    d5 += h7 * (5 * r8);
    d5 += h8 * (5 * r7);
    d5 += h9 * (5 * r6);
    c += (d5 >>> 13); d5 &= 0x1fff;

    d6 = c;
    d6 += h0 * r6;
    d6 += h1 * r5;
    d6 += h2 * r4;
    d6 += h3 * r3;
    d6 += h4 * r2;
    c = (d6 >>> 13); d6 &= 0x1fff;
    d6 += h5 * r1;
    d6 += h6 * r0;
    d6 += h7 * (5 * r9);
    d6 += h8 * (5 * r8);
    d6 += h9 * (5 * r7);
    c += (d6 >>> 13); d6 &= 0x1fff;

    d7 = c;
    d7 += h0 * r7;
    d7 += h1 * r6;
    d7 += h2 * r5;
    d7 += h3 * r4;
    d7 += h4 * r3;
    c = (d7 >>> 13); d7 &= 0x1fff;
    d7 += h5 * r2;
    d7 += h6 * r1;
    d7 += h7 * r0;
    d7 += h8 * (5 * r9);
    d7 += h9 * (5 * r8);
    c += (d7 >>> 13); d7 &= 0x1fff;

    d8 = c;
    d8 += h0 * r8;
    d8 += h1 * r7;
    d8 += h2 * r6;
    d8 += h3 * r5;
    d8 += h4 * r4;
    c = (d8 >>> 13); d8 &= 0x1fff;
    d8 += h5 * r3;
    d8 += h6 * r2;
    d8 += h7 * r1;
    d8 += h8 * r0;
    d8 += h9 * (5 * r9);
    c += (d8 >>> 13); d8 &= 0x1fff;

    d9 = c;
    d9 += h0 * r9;
    d9 += h1 * r8;
    d9 += h2 * r7;
    d9 += h3 * r6;
    d9 += h4 * r5;
    c = (d9 >>> 13); d9 &= 0x1fff;
    d9 += h5 * r4;
    d9 += h6 * r3;
    d9 += h7 * r2;
    d9 += h8 * r1;
    d9 += h9 * r0;
    c += (d9 >>> 13); d9 &= 0x1fff;

    c = (((c << 2) + c)) | 0;
    c = (c + d0) | 0;
    d0 = c & 0x1fff;
    c = (c >>> 13);
    d1 += c;

    h0 = d0;
    h1 = d1;
    h2 = d2;
    h3 = d3;
    h4 = d4;
    h5 = d5;
    h6 = d6;
    h7 = d7;
    h8 = d8;
    h9 = d9;

    mpos += 16;
    bytes -= 16;
  }
  this.h[0] = h0;
  this.h[1] = h1;
  this.h[2] = h2;
  this.h[3] = h3;
  this.h[4] = h4;
  this.h[5] = h5;
  this.h[6] = h6;
  this.h[7] = h7;
  this.h[8] = h8;
  this.h[9] = h9;
};

poly1305.prototype.finish = function(mac, macpos) {
  var g = new Uint16Array(10);
  var c, mask, f, i;

  if (this.leftover) {
    i = this.leftover;
    this.buffer[i++] = 1;
    for (; i < 16; i++) this.buffer[i] = 0;
    this.fin = 1;
    this.blocks(this.buffer, 0, 16);
  }

  c = this.h[1] >>> 13;
  this.h[1] &= 0x1fff;
  for (i = 2; i < 10; i++) {
    this.h[i] += c;
    c = this.h[i] >>> 13;
    this.h[i] &= 0x1fff;
  }
  this.h[0] += (c * 5);
  c = this.h[0] >>> 13;
  this.h[0] &= 0x1fff;
  this.h[1] += c;
  c = this.h[1] >>> 13;
  this.h[1] &= 0x1fff;
  this.h[2] += c;

  g[0] = this.h[0] + 5;
  c = g[0] >>> 13;
  g[0] &= 0x1fff;
  for (i = 1; i < 10; i++) {
    g[i] = this.h[i] + c;
    c = g[i] >>> 13;
    g[i] &= 0x1fff;
  }
  g[9] -= (1 << 13);

  mask = (c ^ 1) - 1;
  for (i = 0; i < 10; i++) g[i] &= mask;
  mask = ~mask;
  for (i = 0; i < 10; i++) this.h[i] = (this.h[i] & mask) | g[i];

  this.h[0] = ((this.h[0]       ) | (this.h[1] << 13)                    ) & 0xffff;
  this.h[1] = ((this.h[1] >>>  3) | (this.h[2] << 10)                    ) & 0xffff;
  this.h[2] = ((this.h[2] >>>  6) | (this.h[3] <<  7)                    ) & 0xffff;
  this.h[3] = ((this.h[3] >>>  9) | (this.h[4] <<  4)                    ) & 0xffff;
  this.h[4] = ((this.h[4] >>> 12) | (this.h[5] <<  1) | (this.h[6] << 14)) & 0xffff;
  this.h[5] = ((this.h[6] >>>  2) | (this.h[7] << 11)                    ) & 0xffff;
  this.h[6] = ((this.h[7] >>>  5) | (this.h[8] <<  8)                    ) & 0xffff;
  this.h[7] = ((this.h[8] >>>  8) | (this.h[9] <<  5)                    ) & 0xffff;

  f = this.h[0] + this.pad[0];
  this.h[0] = f & 0xffff;
  for (i = 1; i < 8; i++) {
    f = (((this.h[i] + this.pad[i]) | 0) + (f >>> 16)) | 0;
    this.h[i] = f & 0xffff;
  }

  mac[macpos+ 0] = (this.h[0] >>> 0) & 0xff;
  mac[macpos+ 1] = (this.h[0] >>> 8) & 0xff;
  mac[macpos+ 2] = (this.h[1] >>> 0) & 0xff;
  mac[macpos+ 3] = (this.h[1] >>> 8) & 0xff;
  mac[macpos+ 4] = (this.h[2] >>> 0) & 0xff;
  mac[macpos+ 5] = (this.h[2] >>> 8) & 0xff;
  mac[macpos+ 6] = (this.h[3] >>> 0) & 0xff;
  mac[macpos+ 7] = (this.h[3] >>> 8) & 0xff;
  mac[macpos+ 8] = (this.h[4] >>> 0) & 0xff;
  mac[macpos+ 9] = (this.h[4] >>> 8) & 0xff;
  mac[macpos+10] = (this.h[5] >>> 0) & 0xff;
  mac[macpos+11] = (this.h[5] >>> 8) & 0xff;
  mac[macpos+12] = (this.h[6] >>> 0) & 0xff;
  mac[macpos+13] = (this.h[6] >>> 8) & 0xff;
  mac[macpos+14] = (this.h[7] >>> 0) & 0xff;
  mac[macpos+15] = (this.h[7] >>> 8) & 0xff;
};

poly1305.prototype.update = function(m, mpos, bytes) {
  var i, want;

  if (this.leftover) {
    want = (16 - this.leftover);
    if (want > bytes)
      want = bytes;
    for (i = 0; i < want; i++)
      this.buffer[this.leftover + i] = m[mpos+i];
    bytes -= want;
    mpos += want;
    this.leftover += want;
    if (this.leftover < 16)
      return;
    this.blocks(this.buffer, 0, 16);
    this.leftover = 0;
  }

  if (bytes >= 16) {
    want = bytes - (bytes % 16);
    this.blocks(m, mpos, want);
    mpos += want;
    bytes -= want;
  }

  if (bytes) {
    for (i = 0; i < bytes; i++)
      this.buffer[this.leftover + i] = m[mpos+i];
    this.leftover += bytes;
  }
};

function crypto_onetimeauth(out, outpos, m, mpos, n, k) {
  var s = new poly1305(k);
  s.update(m, mpos, n);
  s.finish(out, outpos);
  return 0;
}

function crypto_onetimeauth_verify(h, hpos, m, mpos, n, k) {
  var x = new Uint8Array(16);
  crypto_onetimeauth(x,0,m,mpos,n,k);
  return crypto_verify_16(h,hpos,x,0);
}

function crypto_secretbox(c,m,d,n,k) {
  var i;
  if (d < 32) return -1;
  crypto_stream_xor(c,0,m,0,d,n,k);
  crypto_onetimeauth(c, 16, c, 32, d - 32, c);
  for (i = 0; i < 16; i++) c[i] = 0;
  return 0;
}

function crypto_secretbox_open(m,c,d,n,k) {
  var i;
  var x = new Uint8Array(32);
  if (d < 32) return -1;
  crypto_stream(x,0,32,n,k);
  if (crypto_onetimeauth_verify(c, 16,c, 32,d - 32,x) !== 0) return -1;
  crypto_stream_xor(m,0,c,0,d,n,k);
  for (i = 0; i < 32; i++) m[i] = 0;
  return 0;
}

function set25519(r, a) {
  var i;
  for (i = 0; i < 16; i++) r[i] = a[i]|0;
}

function car25519(o) {
  var i, v, c = 1;
  for (i = 0; i < 16; i++) {
    v = o[i] + c + 65535;
    c = Math.floor(v / 65536);
    o[i] = v - c * 65536;
  }
  o[0] += c-1 + 37 * (c-1);
}

function sel25519(p, q, b) {
  var t, c = ~(b-1);
  for (var i = 0; i < 16; i++) {
    t = c & (p[i] ^ q[i]);
    p[i] ^= t;
    q[i] ^= t;
  }
}

function pack25519(o, n) {
  var i, j, b;
  var m = gf(), t = gf();
  for (i = 0; i < 16; i++) t[i] = n[i];
  car25519(t);
  car25519(t);
  car25519(t);
  for (j = 0; j < 2; j++) {
    m[0] = t[0] - 0xffed;
    for (i = 1; i < 15; i++) {
      m[i] = t[i] - 0xffff - ((m[i-1]>>16) & 1);
      m[i-1] &= 0xffff;
    }
    m[15] = t[15] - 0x7fff - ((m[14]>>16) & 1);
    b = (m[15]>>16) & 1;
    m[14] &= 0xffff;
    sel25519(t, m, 1-b);
  }
  for (i = 0; i < 16; i++) {
    o[2*i] = t[i] & 0xff;
    o[2*i+1] = t[i]>>8;
  }
}

function neq25519(a, b) {
  var c = new Uint8Array(32), d = new Uint8Array(32);
  pack25519(c, a);
  pack25519(d, b);
  return crypto_verify_32(c, 0, d, 0);
}

function par25519(a) {
  var d = new Uint8Array(32);
  pack25519(d, a);
  return d[0] & 1;
}

function unpack25519(o, n) {
  var i;
  for (i = 0; i < 16; i++) o[i] = n[2*i] + (n[2*i+1] << 8);
  o[15] &= 0x7fff;
}

function A(o, a, b) {
  for (var i = 0; i < 16; i++) o[i] = a[i] + b[i];
}

function Z(o, a, b) {
  for (var i = 0; i < 16; i++) o[i] = a[i] - b[i];
}

function M(o, a, b) {
  var v, c,
     t0 = 0,  t1 = 0,  t2 = 0,  t3 = 0,  t4 = 0,  t5 = 0,  t6 = 0,  t7 = 0,
     t8 = 0,  t9 = 0, t10 = 0, t11 = 0, t12 = 0, t13 = 0, t14 = 0, t15 = 0,
    t16 = 0, t17 = 0, t18 = 0, t19 = 0, t20 = 0, t21 = 0, t22 = 0, t23 = 0,
    t24 = 0, t25 = 0, t26 = 0, t27 = 0, t28 = 0, t29 = 0, t30 = 0,
    b0 = b[0],
    b1 = b[1],
    b2 = b[2],
    b3 = b[3],
    b4 = b[4],
    b5 = b[5],
    b6 = b[6],
    b7 = b[7],
    b8 = b[8],
    b9 = b[9],
    b10 = b[10],
    b11 = b[11],
    b12 = b[12],
    b13 = b[13],
    b14 = b[14],
    b15 = b[15];

  v = a[0];
  t0 += v * b0;
  t1 += v * b1;
  t2 += v * b2;
  t3 += v * b3;
  t4 += v * b4;
  t5 += v * b5;
  t6 += v * b6;
  t7 += v * b7;
  t8 += v * b8;
  t9 += v * b9;
  t10 += v * b10;
  t11 += v * b11;
  t12 += v * b12;
  t13 += v * b13;
  t14 += v * b14;
  t15 += v * b15;
  v = a[1];
  t1 += v * b0;
  t2 += v * b1;
  t3 += v * b2;
  t4 += v * b3;
  t5 += v * b4;
  t6 += v * b5;
  t7 += v * b6;
  t8 += v * b7;
  t9 += v * b8;
  t10 += v * b9;
  t11 += v * b10;
  t12 += v * b11;
  t13 += v * b12;
  t14 += v * b13;
  t15 += v * b14;
  t16 += v * b15;
  v = a[2];
  t2 += v * b0;
  t3 += v * b1;
  t4 += v * b2;
  t5 += v * b3;
  t6 += v * b4;
  t7 += v * b5;
  t8 += v * b6;
  t9 += v * b7;
  t10 += v * b8;
  t11 += v * b9;
  t12 += v * b10;
  t13 += v * b11;
  t14 += v * b12;
  t15 += v * b13;
  t16 += v * b14;
  t17 += v * b15;
  v = a[3];
  t3 += v * b0;
  t4 += v * b1;
  t5 += v * b2;
  t6 += v * b3;
  t7 += v * b4;
  t8 += v * b5;
  t9 += v * b6;
  t10 += v * b7;
  t11 += v * b8;
  t12 += v * b9;
  t13 += v * b10;
  t14 += v * b11;
  t15 += v * b12;
  t16 += v * b13;
  t17 += v * b14;
  t18 += v * b15;
  v = a[4];
  t4 += v * b0;
  t5 += v * b1;
  t6 += v * b2;
  t7 += v * b3;
  t8 += v * b4;
  t9 += v * b5;
  t10 += v * b6;
  t11 += v * b7;
  t12 += v * b8;
  t13 += v * b9;
  t14 += v * b10;
  t15 += v * b11;
  t16 += v * b12;
  t17 += v * b13;
  t18 += v * b14;
  t19 += v * b15;
  v = a[5];
  t5 += v * b0;
  t6 += v * b1;
  t7 += v * b2;
  t8 += v * b3;
  t9 += v * b4;
  t10 += v * b5;
  t11 += v * b6;
  t12 += v * b7;
  t13 += v * b8;
  t14 += v * b9;
  t15 += v * b10;
  t16 += v * b11;
  t17 += v * b12;
  t18 += v * b13;
  t19 += v * b14;
  t20 += v * b15;
  v = a[6];
  t6 += v * b0;
  t7 += v * b1;
  t8 += v * b2;
  t9 += v * b3;
  t10 += v * b4;
  t11 += v * b5;
  t12 += v * b6;
  t13 += v * b7;
  t14 += v * b8;
  t15 += v * b9;
  t16 += v * b10;
  t17 += v * b11;
  t18 += v * b12;
  t19 += v * b13;
  t20 += v * b14;
  t21 += v * b15;
  v = a[7];
  t7 += v * b0;
  t8 += v * b1;
  t9 += v * b2;
  t10 += v * b3;
  t11 += v * b4;
  t12 += v * b5;
  t13 += v * b6;
  t14 += v * b7;
  t15 += v * b8;
  t16 += v * b9;
  t17 += v * b10;
  t18 += v * b11;
  t19 += v * b12;
  t20 += v * b13;
  t21 += v * b14;
  t22 += v * b15;
  v = a[8];
  t8 += v * b0;
  t9 += v * b1;
  t10 += v * b2;
  t11 += v * b3;
  t12 += v * b4;
  t13 += v * b5;
  t14 += v * b6;
  t15 += v * b7;
  t16 += v * b8;
  t17 += v * b9;
  t18 += v * b10;
  t19 += v * b11;
  t20 += v * b12;
  t21 += v * b13;
  t22 += v * b14;
  t23 += v * b15;
  v = a[9];
  t9 += v * b0;
  t10 += v * b1;
  t11 += v * b2;
  t12 += v * b3;
  t13 += v * b4;
  t14 += v * b5;
  t15 += v * b6;
  t16 += v * b7;
  t17 += v * b8;
  t18 += v * b9;
  t19 += v * b10;
  t20 += v * b11;
  t21 += v * b12;
  t22 += v * b13;
  t23 += v * b14;
  t24 += v * b15;
  v = a[10];
  t10 += v * b0;
  t11 += v * b1;
  t12 += v * b2;
  t13 += v * b3;
  t14 += v * b4;
  t15 += v * b5;
  t16 += v * b6;
  t17 += v * b7;
  t18 += v * b8;
  t19 += v * b9;
  t20 += v * b10;
  t21 += v * b11;
  t22 += v * b12;
  t23 += v * b13;
  t24 += v * b14;
  t25 += v * b15;
  v = a[11];
  t11 += v * b0;
  t12 += v * b1;
  t13 += v * b2;
  t14 += v * b3;
  t15 += v * b4;
  t16 += v * b5;
  t17 += v * b6;
  t18 += v * b7;
  t19 += v * b8;
  t20 += v * b9;
  t21 += v * b10;
  t22 += v * b11;
  t23 += v * b12;
  t24 += v * b13;
  t25 += v * b14;
  t26 += v * b15;
  v = a[12];
  t12 += v * b0;
  t13 += v * b1;
  t14 += v * b2;
  t15 += v * b3;
  t16 += v * b4;
  t17 += v * b5;
  t18 += v * b6;
  t19 += v * b7;
  t20 += v * b8;
  t21 += v * b9;
  t22 += v * b10;
  t23 += v * b11;
  t24 += v * b12;
  t25 += v * b13;
  t26 += v * b14;
  t27 += v * b15;
  v = a[13];
  t13 += v * b0;
  t14 += v * b1;
  t15 += v * b2;
  t16 += v * b3;
  t17 += v * b4;
  t18 += v * b5;
  t19 += v * b6;
  t20 += v * b7;
  t21 += v * b8;
  t22 += v * b9;
  t23 += v * b10;
  t24 += v * b11;
  t25 += v * b12;
  t26 += v * b13;
  t27 += v * b14;
  t28 += v * b15;
  v = a[14];
  t14 += v * b0;
  t15 += v * b1;
  t16 += v * b2;
  t17 += v * b3;
  t18 += v * b4;
  t19 += v * b5;
  t20 += v * b6;
  t21 += v * b7;
  t22 += v * b8;
  t23 += v * b9;
  t24 += v * b10;
  t25 += v * b11;
  t26 += v * b12;
  t27 += v * b13;
  t28 += v * b14;
  t29 += v * b15;
  v = a[15];
  t15 += v * b0;
  t16 += v * b1;
  t17 += v * b2;
  t18 += v * b3;
  t19 += v * b4;
  t20 += v * b5;
  t21 += v * b6;
  t22 += v * b7;
  t23 += v * b8;
  t24 += v * b9;
  t25 += v * b10;
  t26 += v * b11;
  t27 += v * b12;
  t28 += v * b13;
  t29 += v * b14;
  t30 += v * b15;

  t0  += 38 * t16;
  t1  += 38 * t17;
  t2  += 38 * t18;
  t3  += 38 * t19;
  t4  += 38 * t20;
  t5  += 38 * t21;
  t6  += 38 * t22;
  t7  += 38 * t23;
  t8  += 38 * t24;
  t9  += 38 * t25;
  t10 += 38 * t26;
  t11 += 38 * t27;
  t12 += 38 * t28;
  t13 += 38 * t29;
  t14 += 38 * t30;
  // t15 left as is

  // first car
  c = 1;
  v =  t0 + c + 65535; c = Math.floor(v / 65536);  t0 = v - c * 65536;
  v =  t1 + c + 65535; c = Math.floor(v / 65536);  t1 = v - c * 65536;
  v =  t2 + c + 65535; c = Math.floor(v / 65536);  t2 = v - c * 65536;
  v =  t3 + c + 65535; c = Math.floor(v / 65536);  t3 = v - c * 65536;
  v =  t4 + c + 65535; c = Math.floor(v / 65536);  t4 = v - c * 65536;
  v =  t5 + c + 65535; c = Math.floor(v / 65536);  t5 = v - c * 65536;
  v =  t6 + c + 65535; c = Math.floor(v / 65536);  t6 = v - c * 65536;
  v =  t7 + c + 65535; c = Math.floor(v / 65536);  t7 = v - c * 65536;
  v =  t8 + c + 65535; c = Math.floor(v / 65536);  t8 = v - c * 65536;
  v =  t9 + c + 65535; c = Math.floor(v / 65536);  t9 = v - c * 65536;
  v = t10 + c + 65535; c = Math.floor(v / 65536); t10 = v - c * 65536;
  v = t11 + c + 65535; c = Math.floor(v / 65536); t11 = v - c * 65536;
  v = t12 + c + 65535; c = Math.floor(v / 65536); t12 = v - c * 65536;
  v = t13 + c + 65535; c = Math.floor(v / 65536); t13 = v - c * 65536;
  v = t14 + c + 65535; c = Math.floor(v / 65536); t14 = v - c * 65536;
  v = t15 + c + 65535; c = Math.floor(v / 65536); t15 = v - c * 65536;
  t0 += c-1 + 37 * (c-1);

  // second car
  c = 1;
  v =  t0 + c + 65535; c = Math.floor(v / 65536);  t0 = v - c * 65536;
  v =  t1 + c + 65535; c = Math.floor(v / 65536);  t1 = v - c * 65536;
  v =  t2 + c + 65535; c = Math.floor(v / 65536);  t2 = v - c * 65536;
  v =  t3 + c + 65535; c = Math.floor(v / 65536);  t3 = v - c * 65536;
  v =  t4 + c + 65535; c = Math.floor(v / 65536);  t4 = v - c * 65536;
  v =  t5 + c + 65535; c = Math.floor(v / 65536);  t5 = v - c * 65536;
  v =  t6 + c + 65535; c = Math.floor(v / 65536);  t6 = v - c * 65536;
  v =  t7 + c + 65535; c = Math.floor(v / 65536);  t7 = v - c * 65536;
  v =  t8 + c + 65535; c = Math.floor(v / 65536);  t8 = v - c * 65536;
  v =  t9 + c + 65535; c = Math.floor(v / 65536);  t9 = v - c * 65536;
  v = t10 + c + 65535; c = Math.floor(v / 65536); t10 = v - c * 65536;
  v = t11 + c + 65535; c = Math.floor(v / 65536); t11 = v - c * 65536;
  v = t12 + c + 65535; c = Math.floor(v / 65536); t12 = v - c * 65536;
  v = t13 + c + 65535; c = Math.floor(v / 65536); t13 = v - c * 65536;
  v = t14 + c + 65535; c = Math.floor(v / 65536); t14 = v - c * 65536;
  v = t15 + c + 65535; c = Math.floor(v / 65536); t15 = v - c * 65536;
  t0 += c-1 + 37 * (c-1);

  o[ 0] = t0;
  o[ 1] = t1;
  o[ 2] = t2;
  o[ 3] = t3;
  o[ 4] = t4;
  o[ 5] = t5;
  o[ 6] = t6;
  o[ 7] = t7;
  o[ 8] = t8;
  o[ 9] = t9;
  o[10] = t10;
  o[11] = t11;
  o[12] = t12;
  o[13] = t13;
  o[14] = t14;
  o[15] = t15;
}

function S(o, a) {
  M(o, a, a);
}

function inv25519(o, i) {
  var c = gf();
  var a;
  for (a = 0; a < 16; a++) c[a] = i[a];
  for (a = 253; a >= 0; a--) {
    S(c, c);
    if(a !== 2 && a !== 4) M(c, c, i);
  }
  for (a = 0; a < 16; a++) o[a] = c[a];
}

function pow2523(o, i) {
  var c = gf();
  var a;
  for (a = 0; a < 16; a++) c[a] = i[a];
  for (a = 250; a >= 0; a--) {
      S(c, c);
      if(a !== 1) M(c, c, i);
  }
  for (a = 0; a < 16; a++) o[a] = c[a];
}

function crypto_scalarmult(q, n, p) {
  var z = new Uint8Array(32);
  var x = new Float64Array(80), r, i;
  var a = gf(), b = gf(), c = gf(),
      d = gf(), e = gf(), f = gf();
  for (i = 0; i < 31; i++) z[i] = n[i];
  z[31]=(n[31]&127)|64;
  z[0]&=248;
  unpack25519(x,p);
  for (i = 0; i < 16; i++) {
    b[i]=x[i];
    d[i]=a[i]=c[i]=0;
  }
  a[0]=d[0]=1;
  for (i=254; i>=0; --i) {
    r=(z[i>>>3]>>>(i&7))&1;
    sel25519(a,b,r);
    sel25519(c,d,r);
    A(e,a,c);
    Z(a,a,c);
    A(c,b,d);
    Z(b,b,d);
    S(d,e);
    S(f,a);
    M(a,c,a);
    M(c,b,e);
    A(e,a,c);
    Z(a,a,c);
    S(b,a);
    Z(c,d,f);
    M(a,c,_121665);
    A(a,a,d);
    M(c,c,a);
    M(a,d,f);
    M(d,b,x);
    S(b,e);
    sel25519(a,b,r);
    sel25519(c,d,r);
  }
  for (i = 0; i < 16; i++) {
    x[i+16]=a[i];
    x[i+32]=c[i];
    x[i+48]=b[i];
    x[i+64]=d[i];
  }
  var x32 = x.subarray(32);
  var x16 = x.subarray(16);
  inv25519(x32,x32);
  M(x16,x16,x32);
  pack25519(q,x16);
  return 0;
}

function crypto_scalarmult_base(q, n) {
  return crypto_scalarmult(q, n, _9);
}

function crypto_box_keypair(y, x) {
  randombytes(x, 32);
  return crypto_scalarmult_base(y, x);
}

function crypto_box_beforenm(k, y, x) {
  var s = new Uint8Array(32);
  crypto_scalarmult(s, x, y);
  return crypto_core_hsalsa20(k, _0, s, sigma);
}

var crypto_box_afternm = crypto_secretbox;
var crypto_box_open_afternm = crypto_secretbox_open;

function crypto_box(c, m, d, n, y, x) {
  var k = new Uint8Array(32);
  crypto_box_beforenm(k, y, x);
  return crypto_box_afternm(c, m, d, n, k);
}

function crypto_box_open(m, c, d, n, y, x) {
  var k = new Uint8Array(32);
  crypto_box_beforenm(k, y, x);
  return crypto_box_open_afternm(m, c, d, n, k);
}

var K = [
  0x428a2f98, 0xd728ae22, 0x71374491, 0x23ef65cd,
  0xb5c0fbcf, 0xec4d3b2f, 0xe9b5dba5, 0x8189dbbc,
  0x3956c25b, 0xf348b538, 0x59f111f1, 0xb605d019,
  0x923f82a4, 0xaf194f9b, 0xab1c5ed5, 0xda6d8118,
  0xd807aa98, 0xa3030242, 0x12835b01, 0x45706fbe,
  0x243185be, 0x4ee4b28c, 0x550c7dc3, 0xd5ffb4e2,
  0x72be5d74, 0xf27b896f, 0x80deb1fe, 0x3b1696b1,
  0x9bdc06a7, 0x25c71235, 0xc19bf174, 0xcf692694,
  0xe49b69c1, 0x9ef14ad2, 0xefbe4786, 0x384f25e3,
  0x0fc19dc6, 0x8b8cd5b5, 0x240ca1cc, 0x77ac9c65,
  0x2de92c6f, 0x592b0275, 0x4a7484aa, 0x6ea6e483,
  0x5cb0a9dc, 0xbd41fbd4, 0x76f988da, 0x831153b5,
  0x983e5152, 0xee66dfab, 0xa831c66d, 0x2db43210,
  0xb00327c8, 0x98fb213f, 0xbf597fc7, 0xbeef0ee4,
  0xc6e00bf3, 0x3da88fc2, 0xd5a79147, 0x930aa725,
  0x06ca6351, 0xe003826f, 0x14292967, 0x0a0e6e70,
  0x27b70a85, 0x46d22ffc, 0x2e1b2138, 0x5c26c926,
  0x4d2c6dfc, 0x5ac42aed, 0x53380d13, 0x9d95b3df,
  0x650a7354, 0x8baf63de, 0x766a0abb, 0x3c77b2a8,
  0x81c2c92e, 0x47edaee6, 0x92722c85, 0x1482353b,
  0xa2bfe8a1, 0x4cf10364, 0xa81a664b, 0xbc423001,
  0xc24b8b70, 0xd0f89791, 0xc76c51a3, 0x0654be30,
  0xd192e819, 0xd6ef5218, 0xd6990624, 0x5565a910,
  0xf40e3585, 0x5771202a, 0x106aa070, 0x32bbd1b8,
  0x19a4c116, 0xb8d2d0c8, 0x1e376c08, 0x5141ab53,
  0x2748774c, 0xdf8eeb99, 0x34b0bcb5, 0xe19b48a8,
  0x391c0cb3, 0xc5c95a63, 0x4ed8aa4a, 0xe3418acb,
  0x5b9cca4f, 0x7763e373, 0x682e6ff3, 0xd6b2b8a3,
  0x748f82ee, 0x5defb2fc, 0x78a5636f, 0x43172f60,
  0x84c87814, 0xa1f0ab72, 0x8cc70208, 0x1a6439ec,
  0x90befffa, 0x23631e28, 0xa4506ceb, 0xde82bde9,
  0xbef9a3f7, 0xb2c67915, 0xc67178f2, 0xe372532b,
  0xca273ece, 0xea26619c, 0xd186b8c7, 0x21c0c207,
  0xeada7dd6, 0xcde0eb1e, 0xf57d4f7f, 0xee6ed178,
  0x06f067aa, 0x72176fba, 0x0a637dc5, 0xa2c898a6,
  0x113f9804, 0xbef90dae, 0x1b710b35, 0x131c471b,
  0x28db77f5, 0x23047d84, 0x32caab7b, 0x40c72493,
  0x3c9ebe0a, 0x15c9bebc, 0x431d67c4, 0x9c100d4c,
  0x4cc5d4be, 0xcb3e42b6, 0x597f299c, 0xfc657e2a,
  0x5fcb6fab, 0x3ad6faec, 0x6c44198c, 0x4a475817
];

function crypto_hashblocks_hl(hh, hl, m, n) {
  var wh = new Int32Array(16), wl = new Int32Array(16),
      bh0, bh1, bh2, bh3, bh4, bh5, bh6, bh7,
      bl0, bl1, bl2, bl3, bl4, bl5, bl6, bl7,
      th, tl, i, j, h, l, a, b, c, d;

  var ah0 = hh[0],
      ah1 = hh[1],
      ah2 = hh[2],
      ah3 = hh[3],
      ah4 = hh[4],
      ah5 = hh[5],
      ah6 = hh[6],
      ah7 = hh[7],

      al0 = hl[0],
      al1 = hl[1],
      al2 = hl[2],
      al3 = hl[3],
      al4 = hl[4],
      al5 = hl[5],
      al6 = hl[6],
      al7 = hl[7];

  var pos = 0;
  while (n >= 128) {
    for (i = 0; i < 16; i++) {
      j = 8 * i + pos;
      wh[i] = (m[j+0] << 24) | (m[j+1] << 16) | (m[j+2] << 8) | m[j+3];
      wl[i] = (m[j+4] << 24) | (m[j+5] << 16) | (m[j+6] << 8) | m[j+7];
    }
    for (i = 0; i < 80; i++) {
      bh0 = ah0;
      bh1 = ah1;
      bh2 = ah2;
      bh3 = ah3;
      bh4 = ah4;
      bh5 = ah5;
      bh6 = ah6;
      bh7 = ah7;

      bl0 = al0;
      bl1 = al1;
      bl2 = al2;
      bl3 = al3;
      bl4 = al4;
      bl5 = al5;
      bl6 = al6;
      bl7 = al7;

      // add
      h = ah7;
      l = al7;

      a = l & 0xffff; b = l >>> 16;
      c = h & 0xffff; d = h >>> 16;

      // Sigma1
      h = ((ah4 >>> 14) | (al4 << (32-14))) ^ ((ah4 >>> 18) | (al4 << (32-18))) ^ ((al4 >>> (41-32)) | (ah4 << (32-(41-32))));
      l = ((al4 >>> 14) | (ah4 << (32-14))) ^ ((al4 >>> 18) | (ah4 << (32-18))) ^ ((ah4 >>> (41-32)) | (al4 << (32-(41-32))));

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      // Ch
      h = (ah4 & ah5) ^ (~ah4 & ah6);
      l = (al4 & al5) ^ (~al4 & al6);

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      // K
      h = K[i*2];
      l = K[i*2+1];

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      // w
      h = wh[i%16];
      l = wl[i%16];

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      b += a >>> 16;
      c += b >>> 16;
      d += c >>> 16;

      th = c & 0xffff | d << 16;
      tl = a & 0xffff | b << 16;

      // add
      h = th;
      l = tl;

      a = l & 0xffff; b = l >>> 16;
      c = h & 0xffff; d = h >>> 16;

      // Sigma0
      h = ((ah0 >>> 28) | (al0 << (32-28))) ^ ((al0 >>> (34-32)) | (ah0 << (32-(34-32)))) ^ ((al0 >>> (39-32)) | (ah0 << (32-(39-32))));
      l = ((al0 >>> 28) | (ah0 << (32-28))) ^ ((ah0 >>> (34-32)) | (al0 << (32-(34-32)))) ^ ((ah0 >>> (39-32)) | (al0 << (32-(39-32))));

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      // Maj
      h = (ah0 & ah1) ^ (ah0 & ah2) ^ (ah1 & ah2);
      l = (al0 & al1) ^ (al0 & al2) ^ (al1 & al2);

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      b += a >>> 16;
      c += b >>> 16;
      d += c >>> 16;

      bh7 = (c & 0xffff) | (d << 16);
      bl7 = (a & 0xffff) | (b << 16);

      // add
      h = bh3;
      l = bl3;

      a = l & 0xffff; b = l >>> 16;
      c = h & 0xffff; d = h >>> 16;

      h = th;
      l = tl;

      a += l & 0xffff; b += l >>> 16;
      c += h & 0xffff; d += h >>> 16;

      b += a >>> 16;
      c += b >>> 16;
      d += c >>> 16;

      bh3 = (c & 0xffff) | (d << 16);
      bl3 = (a & 0xffff) | (b << 16);

      ah1 = bh0;
      ah2 = bh1;
      ah3 = bh2;
      ah4 = bh3;
      ah5 = bh4;
      ah6 = bh5;
      ah7 = bh6;
      ah0 = bh7;

      al1 = bl0;
      al2 = bl1;
      al3 = bl2;
      al4 = bl3;
      al5 = bl4;
      al6 = bl5;
      al7 = bl6;
      al0 = bl7;

      if (i%16 === 15) {
        for (j = 0; j < 16; j++) {
          // add
          h = wh[j];
          l = wl[j];

          a = l & 0xffff; b = l >>> 16;
          c = h & 0xffff; d = h >>> 16;

          h = wh[(j+9)%16];
          l = wl[(j+9)%16];

          a += l & 0xffff; b += l >>> 16;
          c += h & 0xffff; d += h >>> 16;

          // sigma0
          th = wh[(j+1)%16];
          tl = wl[(j+1)%16];
          h = ((th >>> 1) | (tl << (32-1))) ^ ((th >>> 8) | (tl << (32-8))) ^ (th >>> 7);
          l = ((tl >>> 1) | (th << (32-1))) ^ ((tl >>> 8) | (th << (32-8))) ^ ((tl >>> 7) | (th << (32-7)));

          a += l & 0xffff; b += l >>> 16;
          c += h & 0xffff; d += h >>> 16;

          // sigma1
          th = wh[(j+14)%16];
          tl = wl[(j+14)%16];
          h = ((th >>> 19) | (tl << (32-19))) ^ ((tl >>> (61-32)) | (th << (32-(61-32)))) ^ (th >>> 6);
          l = ((tl >>> 19) | (th << (32-19))) ^ ((th >>> (61-32)) | (tl << (32-(61-32)))) ^ ((tl >>> 6) | (th << (32-6)));

          a += l & 0xffff; b += l >>> 16;
          c += h & 0xffff; d += h >>> 16;

          b += a >>> 16;
          c += b >>> 16;
          d += c >>> 16;

          wh[j] = (c & 0xffff) | (d << 16);
          wl[j] = (a & 0xffff) | (b << 16);
        }
      }
    }

    // add
    h = ah0;
    l = al0;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[0];
    l = hl[0];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[0] = ah0 = (c & 0xffff) | (d << 16);
    hl[0] = al0 = (a & 0xffff) | (b << 16);

    h = ah1;
    l = al1;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[1];
    l = hl[1];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[1] = ah1 = (c & 0xffff) | (d << 16);
    hl[1] = al1 = (a & 0xffff) | (b << 16);

    h = ah2;
    l = al2;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[2];
    l = hl[2];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[2] = ah2 = (c & 0xffff) | (d << 16);
    hl[2] = al2 = (a & 0xffff) | (b << 16);

    h = ah3;
    l = al3;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[3];
    l = hl[3];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[3] = ah3 = (c & 0xffff) | (d << 16);
    hl[3] = al3 = (a & 0xffff) | (b << 16);

    h = ah4;
    l = al4;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[4];
    l = hl[4];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[4] = ah4 = (c & 0xffff) | (d << 16);
    hl[4] = al4 = (a & 0xffff) | (b << 16);

    h = ah5;
    l = al5;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[5];
    l = hl[5];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[5] = ah5 = (c & 0xffff) | (d << 16);
    hl[5] = al5 = (a & 0xffff) | (b << 16);

    h = ah6;
    l = al6;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[6];
    l = hl[6];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[6] = ah6 = (c & 0xffff) | (d << 16);
    hl[6] = al6 = (a & 0xffff) | (b << 16);

    h = ah7;
    l = al7;

    a = l & 0xffff; b = l >>> 16;
    c = h & 0xffff; d = h >>> 16;

    h = hh[7];
    l = hl[7];

    a += l & 0xffff; b += l >>> 16;
    c += h & 0xffff; d += h >>> 16;

    b += a >>> 16;
    c += b >>> 16;
    d += c >>> 16;

    hh[7] = ah7 = (c & 0xffff) | (d << 16);
    hl[7] = al7 = (a & 0xffff) | (b << 16);

    pos += 128;
    n -= 128;
  }

  return n;
}

function crypto_hash(out, m, n) {
  var hh = new Int32Array(8),
      hl = new Int32Array(8),
      x = new Uint8Array(256),
      i, b = n;

  hh[0] = 0x6a09e667;
  hh[1] = 0xbb67ae85;
  hh[2] = 0x3c6ef372;
  hh[3] = 0xa54ff53a;
  hh[4] = 0x510e527f;
  hh[5] = 0x9b05688c;
  hh[6] = 0x1f83d9ab;
  hh[7] = 0x5be0cd19;

  hl[0] = 0xf3bcc908;
  hl[1] = 0x84caa73b;
  hl[2] = 0xfe94f82b;
  hl[3] = 0x5f1d36f1;
  hl[4] = 0xade682d1;
  hl[5] = 0x2b3e6c1f;
  hl[6] = 0xfb41bd6b;
  hl[7] = 0x137e2179;

  crypto_hashblocks_hl(hh, hl, m, n);
  n %= 128;

  for (i = 0; i < n; i++) x[i] = m[b-n+i];
  x[n] = 128;

  n = 256-128*(n<112?1:0);
  x[n-9] = 0;
  ts64(x, n-8,  (b / 0x20000000) | 0, b << 3);
  crypto_hashblocks_hl(hh, hl, x, n);

  for (i = 0; i < 8; i++) ts64(out, 8*i, hh[i], hl[i]);

  return 0;
}

function add(p, q) {
  var a = gf(), b = gf(), c = gf(),
      d = gf(), e = gf(), f = gf(),
      g = gf(), h = gf(), t = gf();

  Z(a, p[1], p[0]);
  Z(t, q[1], q[0]);
  M(a, a, t);
  A(b, p[0], p[1]);
  A(t, q[0], q[1]);
  M(b, b, t);
  M(c, p[3], q[3]);
  M(c, c, D2);
  M(d, p[2], q[2]);
  A(d, d, d);
  Z(e, b, a);
  Z(f, d, c);
  A(g, d, c);
  A(h, b, a);

  M(p[0], e, f);
  M(p[1], h, g);
  M(p[2], g, f);
  M(p[3], e, h);
}

function cswap(p, q, b) {
  var i;
  for (i = 0; i < 4; i++) {
    sel25519(p[i], q[i], b);
  }
}

function pack(r, p) {
  var tx = gf(), ty = gf(), zi = gf();
  inv25519(zi, p[2]);
  M(tx, p[0], zi);
  M(ty, p[1], zi);
  pack25519(r, ty);
  r[31] ^= par25519(tx) << 7;
}

function scalarmult(p, q, s) {
  var b, i;
  set25519(p[0], gf0);
  set25519(p[1], gf1);
  set25519(p[2], gf1);
  set25519(p[3], gf0);
  for (i = 255; i >= 0; --i) {
    b = (s[(i/8)|0] >> (i&7)) & 1;
    cswap(p, q, b);
    add(q, p);
    add(p, p);
    cswap(p, q, b);
  }
}

function scalarbase(p, s) {
  var q = [gf(), gf(), gf(), gf()];
  set25519(q[0], X);
  set25519(q[1], Y);
  set25519(q[2], gf1);
  M(q[3], X, Y);
  scalarmult(p, q, s);
}

function crypto_sign_keypair(pk, sk, seeded) {
  var d = new Uint8Array(64);
  var p = [gf(), gf(), gf(), gf()];
  var i;

  if (!seeded) randombytes(sk, 32);
  crypto_hash(d, sk, 32);
  d[0] &= 248;
  d[31] &= 127;
  d[31] |= 64;

  scalarbase(p, d);
  pack(pk, p);

  for (i = 0; i < 32; i++) sk[i+32] = pk[i];
  return 0;
}

var L = new Float64Array([0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]);

function modL(r, x) {
  var carry, i, j, k;
  for (i = 63; i >= 32; --i) {
    carry = 0;
    for (j = i - 32, k = i - 12; j < k; ++j) {
      x[j] += carry - 16 * x[i] * L[j - (i - 32)];
      carry = (x[j] + 128) >> 8;
      x[j] -= carry * 256;
    }
    x[j] += carry;
    x[i] = 0;
  }
  carry = 0;
  for (j = 0; j < 32; j++) {
    x[j] += carry - (x[31] >> 4) * L[j];
    carry = x[j] >> 8;
    x[j] &= 255;
  }
  for (j = 0; j < 32; j++) x[j] -= carry * L[j];
  for (i = 0; i < 32; i++) {
    x[i+1] += x[i] >> 8;
    r[i] = x[i] & 255;
  }
}

function reduce(r) {
  var x = new Float64Array(64), i;
  for (i = 0; i < 64; i++) x[i] = r[i];
  for (i = 0; i < 64; i++) r[i] = 0;
  modL(r, x);
}

// Note: difference from C - smlen returned, not passed as argument.
function crypto_sign(sm, m, n, sk) {
  var d = new Uint8Array(64), h = new Uint8Array(64), r = new Uint8Array(64);
  var i, j, x = new Float64Array(64);
  var p = [gf(), gf(), gf(), gf()];

  crypto_hash(d, sk, 32);
  d[0] &= 248;
  d[31] &= 127;
  d[31] |= 64;

  var smlen = n + 64;
  for (i = 0; i < n; i++) sm[64 + i] = m[i];
  for (i = 0; i < 32; i++) sm[32 + i] = d[32 + i];

  crypto_hash(r, sm.subarray(32), n+32);
  reduce(r);
  scalarbase(p, r);
  pack(sm, p);

  for (i = 32; i < 64; i++) sm[i] = sk[i];
  crypto_hash(h, sm, n + 64);
  reduce(h);

  for (i = 0; i < 64; i++) x[i] = 0;
  for (i = 0; i < 32; i++) x[i] = r[i];
  for (i = 0; i < 32; i++) {
    for (j = 0; j < 32; j++) {
      x[i+j] += h[i] * d[j];
    }
  }

  modL(sm.subarray(32), x);
  return smlen;
}

function unpackneg(r, p) {
  var t = gf(), chk = gf(), num = gf(),
      den = gf(), den2 = gf(), den4 = gf(),
      den6 = gf();

  set25519(r[2], gf1);
  unpack25519(r[1], p);
  S(num, r[1]);
  M(den, num, D);
  Z(num, num, r[2]);
  A(den, r[2], den);

  S(den2, den);
  S(den4, den2);
  M(den6, den4, den2);
  M(t, den6, num);
  M(t, t, den);

  pow2523(t, t);
  M(t, t, num);
  M(t, t, den);
  M(t, t, den);
  M(r[0], t, den);

  S(chk, r[0]);
  M(chk, chk, den);
  if (neq25519(chk, num)) M(r[0], r[0], I);

  S(chk, r[0]);
  M(chk, chk, den);
  if (neq25519(chk, num)) return -1;

  if (par25519(r[0]) === (p[31]>>7)) Z(r[0], gf0, r[0]);

  M(r[3], r[0], r[1]);
  return 0;
}

function crypto_sign_open(m, sm, n, pk) {
  var i, mlen;
  var t = new Uint8Array(32), h = new Uint8Array(64);
  var p = [gf(), gf(), gf(), gf()],
      q = [gf(), gf(), gf(), gf()];

  mlen = -1;
  if (n < 64) return -1;

  if (unpackneg(q, pk)) return -1;

  for (i = 0; i < n; i++) m[i] = sm[i];
  for (i = 0; i < 32; i++) m[i+32] = pk[i];
  crypto_hash(h, m, n);
  reduce(h);
  scalarmult(p, q, h);

  scalarbase(q, sm.subarray(32));
  add(p, q);
  pack(t, p);

  n -= 64;
  if (crypto_verify_32(sm, 0, t, 0)) {
    for (i = 0; i < n; i++) m[i] = 0;
    return -1;
  }

  for (i = 0; i < n; i++) m[i] = sm[i + 64];
  mlen = n;
  return mlen;
}

var crypto_secretbox_KEYBYTES = 32,
    crypto_secretbox_NONCEBYTES = 24,
    crypto_secretbox_ZEROBYTES = 32,
    crypto_secretbox_BOXZEROBYTES = 16,
    crypto_scalarmult_BYTES = 32,
    crypto_scalarmult_SCALARBYTES = 32,
    crypto_box_PUBLICKEYBYTES = 32,
    crypto_box_SECRETKEYBYTES = 32,
    crypto_box_BEFORENMBYTES = 32,
    crypto_box_NONCEBYTES = crypto_secretbox_NONCEBYTES,
    crypto_box_ZEROBYTES = crypto_secretbox_ZEROBYTES,
    crypto_box_BOXZEROBYTES = crypto_secretbox_BOXZEROBYTES,
    crypto_sign_BYTES = 64,
    crypto_sign_PUBLICKEYBYTES = 32,
    crypto_sign_SECRETKEYBYTES = 64,
    crypto_sign_SEEDBYTES = 32,
    crypto_hash_BYTES = 64;

nacl.lowlevel = {
  crypto_core_hsalsa20: crypto_core_hsalsa20,
  crypto_stream_xor: crypto_stream_xor,
  crypto_stream: crypto_stream,
  crypto_stream_salsa20_xor: crypto_stream_salsa20_xor,
  crypto_stream_salsa20: crypto_stream_salsa20,
  crypto_onetimeauth: crypto_onetimeauth,
  crypto_onetimeauth_verify: crypto_onetimeauth_verify,
  crypto_verify_16: crypto_verify_16,
  crypto_verify_32: crypto_verify_32,
  crypto_secretbox: crypto_secretbox,
  crypto_secretbox_open: crypto_secretbox_open,
  crypto_scalarmult: crypto_scalarmult,
  crypto_scalarmult_base: crypto_scalarmult_base,
  crypto_box_beforenm: crypto_box_beforenm,
  crypto_box_afternm: crypto_box_afternm,
  crypto_box: crypto_box,
  crypto_box_open: crypto_box_open,
  crypto_box_keypair: crypto_box_keypair,
  crypto_hash: crypto_hash,
  crypto_sign: crypto_sign,
  crypto_sign_keypair: crypto_sign_keypair,
  crypto_sign_open: crypto_sign_open,

  crypto_secretbox_KEYBYTES: crypto_secretbox_KEYBYTES,
  crypto_secretbox_NONCEBYTES: crypto_secretbox_NONCEBYTES,
  crypto_secretbox_ZEROBYTES: crypto_secretbox_ZEROBYTES,
  crypto_secretbox_BOXZEROBYTES: crypto_secretbox_BOXZEROBYTES,
  crypto_scalarmult_BYTES: crypto_scalarmult_BYTES,
  crypto_scalarmult_SCALARBYTES: crypto_scalarmult_SCALARBYTES,
  crypto_box_PUBLICKEYBYTES: crypto_box_PUBLICKEYBYTES,
  crypto_box_SECRETKEYBYTES: crypto_box_SECRETKEYBYTES,
  crypto_box_BEFORENMBYTES: crypto_box_BEFORENMBYTES,
  crypto_box_NONCEBYTES: crypto_box_NONCEBYTES,
  crypto_box_ZEROBYTES: crypto_box_ZEROBYTES,
  crypto_box_BOXZEROBYTES: crypto_box_BOXZEROBYTES,
  crypto_sign_BYTES: crypto_sign_BYTES,
  crypto_sign_PUBLICKEYBYTES: crypto_sign_PUBLICKEYBYTES,
  crypto_sign_SECRETKEYBYTES: crypto_sign_SECRETKEYBYTES,
  crypto_sign_SEEDBYTES: crypto_sign_SEEDBYTES,
  crypto_hash_BYTES: crypto_hash_BYTES
};

/* High-level API */

function checkLengths(k, n) {
  if (k.length !== crypto_secretbox_KEYBYTES) throw new Error('bad key size');
  if (n.length !== crypto_secretbox_NONCEBYTES) throw new Error('bad nonce size');
}

function checkBoxLengths(pk, sk) {
  if (pk.length !== crypto_box_PUBLICKEYBYTES) throw new Error('bad public key size');
  if (sk.length !== crypto_box_SECRETKEYBYTES) throw new Error('bad secret key size');
}

function checkArrayTypes() {
  var t, i;
  for (i = 0; i < arguments.length; i++) {
     if ((t = Object.prototype.toString.call(arguments[i])) !== '[object Uint8Array]')
       throw new TypeError('unexpected type ' + t + ', use Uint8Array');
  }
}

function cleanup(arr) {
  for (var i = 0; i < arr.length; i++) arr[i] = 0;
}

// TODO: Completely remove this in v0.15.
if (!nacl.util) {
  nacl.util = {};
  nacl.util.decodeUTF8 = nacl.util.encodeUTF8 = nacl.util.encodeBase64 = nacl.util.decodeBase64 = function() {
    throw new Error('nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js');
  };
}

nacl.randomBytes = function(n) {
  var b = new Uint8Array(n);
  randombytes(b, n);
  return b;
};

nacl.secretbox = function(msg, nonce, key) {
  checkArrayTypes(msg, nonce, key);
  checkLengths(key, nonce);
  var m = new Uint8Array(crypto_secretbox_ZEROBYTES + msg.length);
  var c = new Uint8Array(m.length);
  for (var i = 0; i < msg.length; i++) m[i+crypto_secretbox_ZEROBYTES] = msg[i];
  crypto_secretbox(c, m, m.length, nonce, key);
  return c.subarray(crypto_secretbox_BOXZEROBYTES);
};

nacl.secretbox.open = function(box, nonce, key) {
  checkArrayTypes(box, nonce, key);
  checkLengths(key, nonce);
  var c = new Uint8Array(crypto_secretbox_BOXZEROBYTES + box.length);
  var m = new Uint8Array(c.length);
  for (var i = 0; i < box.length; i++) c[i+crypto_secretbox_BOXZEROBYTES] = box[i];
  if (c.length < 32) return false;
  if (crypto_secretbox_open(m, c, c.length, nonce, key) !== 0) return false;
  return m.subarray(crypto_secretbox_ZEROBYTES);
};

nacl.secretbox.keyLength = crypto_secretbox_KEYBYTES;
nacl.secretbox.nonceLength = crypto_secretbox_NONCEBYTES;
nacl.secretbox.overheadLength = crypto_secretbox_BOXZEROBYTES;

nacl.scalarMult = function(n, p) {
  checkArrayTypes(n, p);
  if (n.length !== crypto_scalarmult_SCALARBYTES) throw new Error('bad n size');
  if (p.length !== crypto_scalarmult_BYTES) throw new Error('bad p size');
  var q = new Uint8Array(crypto_scalarmult_BYTES);
  crypto_scalarmult(q, n, p);
  return q;
};

nacl.scalarMult.base = function(n) {
  checkArrayTypes(n);
  if (n.length !== crypto_scalarmult_SCALARBYTES) throw new Error('bad n size');
  var q = new Uint8Array(crypto_scalarmult_BYTES);
  crypto_scalarmult_base(q, n);
  return q;
};

nacl.scalarMult.scalarLength = crypto_scalarmult_SCALARBYTES;
nacl.scalarMult.groupElementLength = crypto_scalarmult_BYTES;

nacl.box = function(msg, nonce, publicKey, secretKey) {
  var k = nacl.box.before(publicKey, secretKey);
  return nacl.secretbox(msg, nonce, k);
};

nacl.box.before = function(publicKey, secretKey) {
  checkArrayTypes(publicKey, secretKey);
  checkBoxLengths(publicKey, secretKey);
  var k = new Uint8Array(crypto_box_BEFORENMBYTES);
  crypto_box_beforenm(k, publicKey, secretKey);
  return k;
};

nacl.box.after = nacl.secretbox;

nacl.box.open = function(msg, nonce, publicKey, secretKey) {
  var k = nacl.box.before(publicKey, secretKey);
  return nacl.secretbox.open(msg, nonce, k);
};

nacl.box.open.after = nacl.secretbox.open;

nacl.box.keyPair = function() {
  var pk = new Uint8Array(crypto_box_PUBLICKEYBYTES);
  var sk = new Uint8Array(crypto_box_SECRETKEYBYTES);
  crypto_box_keypair(pk, sk);
  return {publicKey: pk, secretKey: sk};
};

nacl.box.keyPair.fromSecretKey = function(secretKey) {
  checkArrayTypes(secretKey);
  if (secretKey.length !== crypto_box_SECRETKEYBYTES)
    throw new Error('bad secret key size');
  var pk = new Uint8Array(crypto_box_PUBLICKEYBYTES);
  crypto_scalarmult_base(pk, secretKey);
  return {publicKey: pk, secretKey: new Uint8Array(secretKey)};
};

nacl.box.publicKeyLength = crypto_box_PUBLICKEYBYTES;
nacl.box.secretKeyLength = crypto_box_SECRETKEYBYTES;
nacl.box.sharedKeyLength = crypto_box_BEFORENMBYTES;
nacl.box.nonceLength = crypto_box_NONCEBYTES;
nacl.box.overheadLength = nacl.secretbox.overheadLength;

nacl.sign = function(msg, secretKey) {
  checkArrayTypes(msg, secretKey);
  if (secretKey.length !== crypto_sign_SECRETKEYBYTES)
    throw new Error('bad secret key size');
  var signedMsg = new Uint8Array(crypto_sign_BYTES+msg.length);
  crypto_sign(signedMsg, msg, msg.length, secretKey);
  return signedMsg;
};

nacl.sign.open = function(signedMsg, publicKey) {
  if (arguments.length !== 2)
    throw new Error('nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?');
  checkArrayTypes(signedMsg, publicKey);
  if (publicKey.length !== crypto_sign_PUBLICKEYBYTES)
    throw new Error('bad public key size');
  var tmp = new Uint8Array(signedMsg.length);
  var mlen = crypto_sign_open(tmp, signedMsg, signedMsg.length, publicKey);
  if (mlen < 0) return null;
  var m = new Uint8Array(mlen);
  for (var i = 0; i < m.length; i++) m[i] = tmp[i];
  return m;
};

nacl.sign.detached = function(msg, secretKey) {
  var signedMsg = nacl.sign(msg, secretKey);
  var sig = new Uint8Array(crypto_sign_BYTES);
  for (var i = 0; i < sig.length; i++) sig[i] = signedMsg[i];
  return sig;
};

nacl.sign.detached.verify = function(msg, sig, publicKey) {
  checkArrayTypes(msg, sig, publicKey);
  if (sig.length !== crypto_sign_BYTES)
    throw new Error('bad signature size');
  if (publicKey.length !== crypto_sign_PUBLICKEYBYTES)
    throw new Error('bad public key size');
  var sm = new Uint8Array(crypto_sign_BYTES + msg.length);
  var m = new Uint8Array(crypto_sign_BYTES + msg.length);
  var i;
  for (i = 0; i < crypto_sign_BYTES; i++) sm[i] = sig[i];
  for (i = 0; i < msg.length; i++) sm[i+crypto_sign_BYTES] = msg[i];
  return (crypto_sign_open(m, sm, sm.length, publicKey) >= 0);
};

nacl.sign.keyPair = function() {
  var pk = new Uint8Array(crypto_sign_PUBLICKEYBYTES);
  var sk = new Uint8Array(crypto_sign_SECRETKEYBYTES);
  crypto_sign_keypair(pk, sk);
  return {publicKey: pk, secretKey: sk};
};

nacl.sign.keyPair.fromSecretKey = function(secretKey) {
  checkArrayTypes(secretKey);
  if (secretKey.length !== crypto_sign_SECRETKEYBYTES)
    throw new Error('bad secret key size');
  var pk = new Uint8Array(crypto_sign_PUBLICKEYBYTES);
  for (var i = 0; i < pk.length; i++) pk[i] = secretKey[32+i];
  return {publicKey: pk, secretKey: new Uint8Array(secretKey)};
};

nacl.sign.keyPair.fromSeed = function(seed) {
  checkArrayTypes(seed);
  if (seed.length !== crypto_sign_SEEDBYTES)
    throw new Error('bad seed size');
  var pk = new Uint8Array(crypto_sign_PUBLICKEYBYTES);
  var sk = new Uint8Array(crypto_sign_SECRETKEYBYTES);
  for (var i = 0; i < 32; i++) sk[i] = seed[i];
  crypto_sign_keypair(pk, sk, true);
  return {publicKey: pk, secretKey: sk};
};

nacl.sign.publicKeyLength = crypto_sign_PUBLICKEYBYTES;
nacl.sign.secretKeyLength = crypto_sign_SECRETKEYBYTES;
nacl.sign.seedLength = crypto_sign_SEEDBYTES;
nacl.sign.signatureLength = crypto_sign_BYTES;

nacl.hash = function(msg) {
  checkArrayTypes(msg);
  var h = new Uint8Array(crypto_hash_BYTES);
  crypto_hash(h, msg, msg.length);
  return h;
};

nacl.hash.hashLength = crypto_hash_BYTES;

nacl.verify = function(x, y) {
  checkArrayTypes(x, y);
  // Zero length arguments are considered not equal.
  if (x.length === 0 || y.length === 0) return false;
  if (x.length !== y.length) return false;
  return (vn(x, 0, y, 0, x.length) === 0) ? true : false;
};

nacl.setPRNG = function(fn) {
  randombytes = fn;
};

(function() {
  // Initialize PRNG if environment provides CSPRNG.
  // If not, methods calling randombytes will throw.
  var crypto = typeof self !== 'undefined' ? (self.crypto || self.msCrypto) : null;
  if (crypto && crypto.getRandomValues) {
    // Browsers.
    var QUOTA = 65536;
    nacl.setPRNG(function(x, n) {
      var i, v = new Uint8Array(n);
      for (i = 0; i < n; i += QUOTA) {
        crypto.getRandomValues(v.subarray(i, i + Math.min(n - i, QUOTA)));
      }
      for (i = 0; i < n; i++) x[i] = v[i];
      cleanup(v);
    });
  } else if (true) {
    // Node.js.
    crypto = __nccwpck_require__(6982);
    if (crypto && crypto.randomBytes) {
      nacl.setPRNG(function(x, n) {
        var i, v = crypto.randomBytes(n);
        for (i = 0; i < n; i++) x[i] = v[i];
        cleanup(v);
      });
    }
  }
})();

})( true && module.exports ? module.exports : (self.nacl = self.nacl || {}));


/***/ }),

/***/ 910:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   hh: () => (/* binding */ parseAudit)
/* harmony export */ });
/* unused harmony exports openAudit, NO_AUDIT, STDERR */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/**
 * The audit: one JSON line for each request that used a key, would have used one, or changed which keys
 * there are. Public facts only.
 * The types are the contract between the agent, which writes, and the report, which reads.
 */

/** Size at which the audit stops growing; some 20,000 lines. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Room for the last line, which says what was left out. */
const OMISSION_BYTES = 128;
/** Refusals stop here: whoever can ask must not be able to fill the file and then go unseen. */
const MAX_REFUSAL_BYTES = MAX_BYTES / 2;
/** Opens the audit file, made new (mode 0600) or appended to; `stderr` is that. */
function openAudit(file) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const descriptor = file === STDERR ? 2 : openSync(file, flags, 0o600);
    let bytes = file === STDERR ? 0 : fstatSync(descriptor).size;
    let written = 0;
    let omitted = 0;
    return {
        write: (entry) => {
            const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
            const limit = entry.verdict === 'refused' ? MAX_REFUSAL_BYTES : MAX_BYTES - OMISSION_BYTES;
            if (bytes + Buffer.byteLength(line) > limit) {
                omitted += 1;
                return;
            }
            try {
                bytes += writeSync(descriptor, line);
                written += 1;
            }
            catch {
                omitted += 1; // a full disk must not stop the agent; the count says that lines are missing
            }
        },
        counts: () => ({ written, omitted }),
        close: () => {
            const omission = { time: new Date().toISOString(), omitted };
            const line = `${JSON.stringify(omission)}\n`;
            try {
                if (omitted > 0 && bytes + line.length <= MAX_BYTES)
                    writeSync(descriptor, line);
                if (file !== STDERR)
                    closeSync(descriptor);
            }
            catch {
                // a full disk: nothing more can be told
            }
        },
    };
}
/** For an agent that nobody audits. */
const NO_AUDIT = {
    write: () => undefined,
    counts: () => ({ written: 0, omitted: 0 }),
    close: () => undefined,
};
/** A name for openAudit. */
const STDERR = 'stderr';
/** The entries of an audit file's text, and how many it says were left out. Torn lines are dropped. */
function parseAudit(text) {
    const lines = text.split('\n').flatMap((line) => {
        try {
            const entry = JSON.parse(line);
            return typeof entry === 'object' && entry !== null ? [entry] : [];
        }
        catch {
            return [];
        }
    });
    return {
        entries: lines.filter((line) => 'request' in line),
        omitted: lines.reduce((sum, line) => sum + ('omitted' in line ? line.omitted : 0), 0),
    };
}


/***/ }),

/***/ 2820:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $H: () => (/* binding */ signForProvenHost),
/* harmony export */   Xz: () => (/* binding */ controlMessage),
/* harmony export */   eD: () => (/* binding */ stopAgent),
/* harmony export */   iq: () => (/* binding */ converse),
/* harmony export */   nQ: () => (/* binding */ giveCertificate),
/* harmony export */   o3: () => (/* binding */ agentStatus)
/* harmony export */ });
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7030);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_net__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/* harmony import */ var _messages__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3557);
/**
 * The control channel: our own extension on the agent's socket, for those who hold the job's token.
 * Everybody else speaks the plain agent protocol.
 */




const TIMEOUT = 5000;
/**
 * Sends messages over one connection, each after the answer to the one before; gives the answers.
 *
 * @param timeout in milliseconds, for each answer
 * @throws TrustError `agent-control`
 */
async function converse(path, messages, timeout = TIMEOUT) {
    return new Promise((resolve, reject) => {
        const socket = (0,node_net__WEBPACK_IMPORTED_MODULE_0__.connect)(path);
        const reader = new _messages__WEBPACK_IMPORTED_MODULE_3__/* .FrameReader */ .tS();
        const answers = [];
        const fail = (message, cause) => {
            socket.destroy();
            reject(new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', `The agent at ${path} ${message}.`, { cause }));
        };
        const sendNext = () => {
            const message = messages[answers.length];
            if (message !== undefined)
                socket.write((0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .frame */ .Gt)(message));
            else {
                socket.end();
                resolve(answers);
            }
        };
        socket.setTimeout(timeout, () => {
            fail(`did not answer within ${timeout / 1000} s`);
        });
        socket.once('error', (error) => {
            fail(`can't be reached: ${error.message}`, error);
        });
        socket.once('close', () => {
            fail('closed the connection');
        });
        socket.once('connect', sendNext);
        socket.on('data', (chunk) => {
            reader.push(chunk);
            try {
                for (let answer = reader.next(); answer !== undefined; answer = reader.next()) {
                    answers.push(Buffer.from(answer));
                    sendNext();
                }
            }
            catch (cause) {
                fail('does not speak the agent protocol', cause);
            }
        });
    });
}
function controlMessage(token, request) {
    return (0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .extensionRequest */ .Fz)(_messages__WEBPACK_IMPORTED_MODULE_3__/* .CONTROL */ .W3, Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(token), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(JSON.stringify(request))]));
}
function requireSuccess(answer, what) {
    if (answer?.[0] === _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_SUCCESS */ .R9)
        return;
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', `The agent refused to ${what}.`);
}
/** @throws TrustError `agent-control` */
async function agentStatus({ socket, token }) {
    const [answer] = await converse(socket, [controlMessage(token, { op: 'status' })]);
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.byte() !== _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_EXTENSION_RESPONSE */ .An) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent refused to tell its status.');
    }
    try {
        reader.text(256);
        return JSON.parse(reader.text());
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent told a status that is none.', { cause });
    }
}
/**
 * Takes the caller's part of the job out of the agent, which ends with the last one.
 *
 * @returns how many parts still need the agent; with none it ends
 * @throws TrustError `agent-control`
 */
async function stopAgent({ socket, token }) {
    const [answer] = await converse(socket, [controlMessage(token, { op: 'stop' })]);
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.remaining > 0 && reader.byte() === _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_EXTENSION_RESPONSE */ .An) {
        reader.text(256);
        return Number(reader.text(16));
    }
    requireSuccess(answer, 'stop');
    return 0;
}
/**
 * Gives the agent a certificate (wire format) for a key that it holds.
 *
 * @throws TrustError `agent-control`
 */
async function giveCertificate({ socket, token }, certificate) {
    const request = { op: 'certify', certificate: certificate.toString('base64') };
    const [answer] = await converse(socket, [controlMessage(token, request)]);
    requireSuccess(answer, 'take the certificate');
}
/**
 * A signature for a login at a host that the caller has proven itself: for our own clients, which can
 * send no session-bind because their SSH library does not show them the signature of the exchange.
 * The agent's policy decides as for everybody else.
 *
 * @param hostKey in wire format
 * @param key the identity that is to sign, in wire format
 * @param flags RFC 9987 §5.6.1
 * @returns the signature in the SSH format
 * @throws TrustError `agent-control`
 */
async function signForProvenHost({ socket, token }, host, key, data, flags) {
    const bind = controlMessage(token, {
        op: 'bind',
        hostKey: host.hostKey.toString('base64'),
        sessionId: host.sessionId.toString('base64'),
    });
    const [bound, answer] = await converse(socket, [bind, (0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .signRequest */ .zT)(key, data, flags)]);
    requireSuccess(bound, 'bind the connection');
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.byte() !== _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_SIGN_RESPONSE */ .d_) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent refused to sign for this host; its audit says why.');
    }
    return Buffer.from(reader.string());
}


/***/ }),

/***/ 3557:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   An: () => (/* binding */ SSH_AGENT_EXTENSION_RESPONSE),
/* harmony export */   Fz: () => (/* binding */ extensionRequest),
/* harmony export */   Gt: () => (/* binding */ frame),
/* harmony export */   R9: () => (/* binding */ SSH_AGENT_SUCCESS),
/* harmony export */   W3: () => (/* binding */ CONTROL),
/* harmony export */   d_: () => (/* binding */ SSH_AGENT_SIGN_RESPONSE),
/* harmony export */   h2: () => (/* binding */ MAX_MESSAGE),
/* harmony export */   j5: () => (/* binding */ SSH_AGENT_RSA_SHA2_256),
/* harmony export */   tS: () => (/* binding */ FrameReader),
/* harmony export */   uA: () => (/* binding */ SSH_AGENT_RSA_SHA2_512),
/* harmony export */   zT: () => (/* binding */ signRequest)
/* harmony export */ });
/* unused harmony exports SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES, SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENTC_SIGN_REQUEST, SSH_AGENTC_ADD_IDENTITY, SSH_AGENTC_REMOVE_IDENTITY, SSH_AGENTC_REMOVE_ALL_IDENTITIES, SSH_AGENTC_ADD_SMARTCARD_KEY, SSH_AGENTC_REMOVE_SMARTCARD_KEY, SSH_AGENTC_LOCK, SSH_AGENTC_UNLOCK, SSH_AGENTC_ADD_ID_CONSTRAINED, SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED, SSH_AGENTC_EXTENSION, SSH_AGENT_FAILURE, SSH_AGENT_IDENTITIES_ANSWER, SSH_AGENT_EXTENSION_FAILURE, SSH_AGENT_CONSTRAIN_LIFETIME, SSH_AGENT_CONSTRAIN_CONFIRM, SSH_AGENT_CONSTRAIN_EXTENSION, QUERY, SESSION_BIND, RESTRICT_DESTINATION, FAILURE, SUCCESS, EXTENSION_FAILURE, identitiesAnswer, signResponse, extensionResponse */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3529);
/**
 * The agent protocol on the wire: message numbers, frames, replies (RFC 9987 §5; OpenSSH's
 * PROTOCOL.agent for the extensions).
 */


/** RFC 9987 §5, requests. The first is of protocol 1: OpenSSH's agent still takes it, and so do we. */
const SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES = 9;
const SSH_AGENTC_REQUEST_IDENTITIES = 11;
const SSH_AGENTC_SIGN_REQUEST = 13;
const SSH_AGENTC_ADD_IDENTITY = 17;
const SSH_AGENTC_REMOVE_IDENTITY = 18;
const SSH_AGENTC_REMOVE_ALL_IDENTITIES = 19;
const SSH_AGENTC_ADD_SMARTCARD_KEY = 20;
const SSH_AGENTC_REMOVE_SMARTCARD_KEY = 21;
const SSH_AGENTC_LOCK = 22;
const SSH_AGENTC_UNLOCK = 23;
const SSH_AGENTC_ADD_ID_CONSTRAINED = 25;
const SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26;
const SSH_AGENTC_EXTENSION = 27;
/** RFC 9987 §5, replies. */
const SSH_AGENT_FAILURE = 5;
const SSH_AGENT_SUCCESS = 6;
const SSH_AGENT_IDENTITIES_ANSWER = 12;
const SSH_AGENT_SIGN_RESPONSE = 14;
const SSH_AGENT_EXTENSION_FAILURE = 28;
const SSH_AGENT_EXTENSION_RESPONSE = 29;
/** RFC 9987 §5.6.1, flags of a sign request. */
const SSH_AGENT_RSA_SHA2_256 = 2;
const SSH_AGENT_RSA_SHA2_512 = 4;
/** RFC 9987 §5.2.7, constraints of a key that is added. */
const SSH_AGENT_CONSTRAIN_LIFETIME = 1;
const SSH_AGENT_CONSTRAIN_CONFIRM = 2;
const SSH_AGENT_CONSTRAIN_EXTENSION = 255;
/** Extensions: RFC 9987 §5.8.1, PROTOCOL.agent section 1, and our own. */
const QUERY = 'query';
const SESSION_BIND = 'session-bind@openssh.com';
const CONTROL = 'control@ssh-trust-action';
/** The one constraint extension that is known here: PROTOCOL.agent section 2. */
const RESTRICT_DESTINATION = 'restrict-destination-v00@openssh.com';
/** Longest message; OpenSSH's AGENT_MAX_LEN. */
const MAX_MESSAGE = 256 * 1024;
const FAILURE = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_FAILURE);
const SUCCESS = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_SUCCESS);
const EXTENSION_FAILURE = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_EXTENSION_FAILURE);
/** One message as a frame: its length, then itself (RFC 9987 §5). */
const frame = _ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj;
/** Pieces below this size are joined: the memory of each is far more than its bytes. */
const SMALL_PIECE = 4096;
/** Takes frames apart, in whatever pieces they arrive. */
class FrameReader {
    #chunks = [];
    #pending = 0;
    /** Bytes that wait for the rest of their message. */
    get pending() {
        return this.#pending;
    }
    push(chunk) {
        this.#pending += chunk.length;
        let last = chunk;
        // As the digits of a binary counter: each byte is copied some twelve times at most.
        for (let before = this.#chunks.at(-1); before !== undefined; before = this.#chunks.at(-1)) {
            if (last.length >= SMALL_PIECE || before.length > last.length)
                break;
            this.#chunks.pop();
            last = Buffer.concat([before, last]);
        }
        this.#chunks.push(last);
    }
    /**
     * The next whole message, or undefined until there is one.
     *
     * @throws TrustError `malformed`: too long or empty. The stream can't be read on after that.
     */
    next() {
        if (this.#pending < 4)
            return undefined;
        const length = this.#length();
        if (length === 0 || length > MAX_MESSAGE) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `An agent message of ${length} bytes.`);
        }
        if (this.#pending < 4 + length)
            return undefined;
        const joined = this.#join();
        this.#chunks = joined.length === 4 + length ? [] : [joined.subarray(4 + length)];
        this.#pending -= 4 + length;
        return joined.subarray(4, 4 + length);
    }
    /** The four bytes in front, which may have come in as many pieces. */
    #length() {
        if ((this.#chunks[0]?.length ?? 0) < 4)
            this.#chunks = [this.#join()];
        return this.#chunks[0]?.readUInt32BE(0) ?? 0;
    }
    #join() {
        const [first] = this.#chunks;
        return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    }
}
/** RFC 9987 §5.5. */
function identitiesAnswer(identities) {
    const keys = identities.flatMap(({ blob, comment }) => [string(blob), string(comment)]);
    return Buffer.concat([byte(SSH_AGENT_IDENTITIES_ANSWER), uint32(identities.length), ...keys]);
}
/** RFC 9987 §5.6. */
function signResponse(signature) {
    return Buffer.concat([byte(SSH_AGENT_SIGN_RESPONSE), string(signature)]);
}
/** RFC 9987 §5.8. */
function extensionResponse(name, contents) {
    return Buffer.concat([byte(SSH_AGENT_EXTENSION_RESPONSE), string(name), contents]);
}
/** RFC 9987 §5.6. */
function signRequest(key, data, flags = 0) {
    return Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENTC_SIGN_REQUEST), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(key), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(data), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .uint32 */ .S8)(flags)]);
}
/** RFC 9987 §5.8. */
function extensionRequest(name, contents) {
    return Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENTC_EXTENSION), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(name), contents]);
}


/***/ }),

/***/ 3916:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Ru: () => (/* binding */ TrustError),
/* harmony export */   WE: () => (/* binding */ explain),
/* harmony export */   kg: () => (/* binding */ combine),
/* harmony export */   xU: () => (/* binding */ systemCode)
/* harmony export */ });
/* unused harmony export ERROR_CODES */
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3429);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_util_types__WEBPACK_IMPORTED_MODULE_0__);
/**
 * The one error type of the project. Every failure that a user can meet is a `TrustError` with a
 * code from the closed list below; docs/TROUBLESHOOTING.md has an entry for each (a test holds the
 * two together).
 */

const ERROR_CODES = (/* unused pure expression or super */ null && ([
    // inputs
    'input-invalid',
    // hosts
    'hosts-syntax',
    'hosts-option-unknown',
    'hosts-pin-missing',
    'hosts-pin-invalid',
    'hosts-pin-md5',
    // keys
    'key-empty',
    'key-is-public',
    'key-unreadable',
    'key-encrypted',
    'key-passphrase-wrong',
    'key-type-unsupported',
    'key-too-small',
    'certificate-invalid',
    'malformed',
    // host keys
    'host-not-found',
    'host-refused',
    'host-unreachable',
    'host-timeout',
    'host-closed',
    'host-not-ssh',
    'host-protocol',
    'host-no-common-algorithm',
    'host-key-type-absent',
    'host-key-unproven',
    'login-refused',
    'login-method-absent',
    'host-key-changed',
    'host-key-revoked',
    // files on a host
    'remote-shell',
    'remote-file-unsafe',
    'remote-file-failed',
    'remote-file-locked',
    'remote-file-changed',
    // trust on hosts
    'bootstrap-unproven',
    'trust-unproven',
    'expiry-unsupported',
    'revocation-failed',
    // this machine
    'home-unsafe',
    'file-unsafe',
    'file-locked',
    'temp-unusable',
    'platform-unsupported',
    'agent-start',
    'agent-control',
]));
class TrustError extends Error {
    code;
    input;
    hint;
    constructor(code, message, details = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause });
        this.name = 'TrustError';
        this.code = code;
        this.input = details.input;
        this.hint = details.hint;
    }
    /** The same error, said of an input that only the caller knows. An input already named stays. */
    about(input) {
        if (this.input !== undefined)
            return this;
        return new TrustError(this.code, this.message, {
            input,
            ...(this.hint === undefined ? {} : { hint: this.hint }),
            cause: this.cause,
        });
    }
    /** The whole story in one paragraph: `input: message hint [code]`. */
    explain() {
        const input = this.input === undefined ? '' : `${this.input}: `;
        const hint = this.hint === undefined ? '' : ` ${this.hint}`;
        return `${input}${this.message}${hint} [${this.code}]`;
    }
}
/** `error` in words, whatever was thrown. */
function explain(error) {
    if (error instanceof TrustError)
        return error.explain();
    return (0,node_util_types__WEBPACK_IMPORTED_MODULE_0__.isNativeError)(error) ? error.message : String(error);
}
/** One error that tells of them all. */
function combine(errors) {
    const [first] = errors;
    if (first === undefined)
        throw new Error('no error to tell');
    if (errors.length === 1)
        return first;
    const list = errors.map((error) => `\n- ${explain(error)}`).join('');
    return new TrustError(first.code, `${errors.length} things are wrong:${list}`, { cause: first });
}
/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`), or undefined. */
function systemCode(error) {
    if (!(0,node_util_types__WEBPACK_IMPORTED_MODULE_0__.isNativeError)(error) || !('code' in error))
        return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
}


/***/ }),

/***/ 1436:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $y: () => (/* binding */ editFile),
/* harmony export */   S0: () => (/* binding */ writeNewFile),
/* harmony export */   V3: () => (/* binding */ removeIfEmpty),
/* harmony export */   _N: () => (/* binding */ statOf),
/* harmony export */   yR: () => (/* binding */ readText)
/* harmony export */ });
/* unused harmony export isHeldOpen */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8161);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_os__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__nccwpck_require__.n(node_path__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_3___default = /*#__PURE__*/__nccwpck_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_3__);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(3429);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_4___default = /*#__PURE__*/__nccwpck_require__.n(node_util_types__WEBPACK_IMPORTED_MODULE_4__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(3916);
/* harmony import */ var _process_identity__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(2837);
/**
 * Writing files that others use too: one writer at a time, replaced whole or not at all, mode and
 * owner kept. And private files of the job's own.
 */







/** How long to wait for another job that is writing the same file. */
const LOCK_TIMEOUT = 20_000;
/**
 * Age at which a lock is stale whose holder can't be asked: it is on another machine or container, or
 * of a platform that does not tell when a process started.
 */
const FOREIGN_LOCK_AGE = 60_000;
/** How long a file may be held open by another program (an ssh that reads it, a virus scanner). */
const HELD_OPEN_TIMEOUT = 2000;
/** Largest file that is edited; an ssh_config or known_hosts is far smaller. */
const MAX_FILE = 16 * 1024 * 1024;
const REMEDY = 'Mend that, or set home: false and use the ssh-config output (ssh -F).';
/**
 * Makes a file that did not exist, mode 0600, and writes it through to the disk.
 *
 * @throws an error with a system's code; where it is thrown there is no file, not even half of one
 */
function writeNewFile(path, content) {
    const flags = node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_WRONLY | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_CREAT | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_EXCL | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_NOFOLLOW;
    const descriptor = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.openSync)(path, flags, 0o600);
    const bytes = Buffer.from(content);
    let written = false;
    try {
        for (let done = 0; done < bytes.length;)
            done += (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeSync)(descriptor, bytes, done);
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.fsyncSync)(descriptor);
        written = true;
    }
    catch (error) {
        // As those of open() do; a full disk is only met here.
        if ((0,node_util_types__WEBPACK_IMPORTED_MODULE_4__.isNativeError)(error))
            error.message += ` '${path}'`;
        throw error;
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.closeSync)(descriptor);
        if (!written)
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
    }
}
/** What `lstat` says, or undefined where there is nothing. */
function statOf(path) {
    return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(path, { throwIfNoEntry: false });
}
/**
 * Edits a text file (latin1, so that every byte survives) under a lock that all ssh-trust jobs of
 * this account take. `edit` may be called more than once.
 *
 * @param id of this job: names the temporary file, so that a later undo of the job finds it
 * @throws TrustError `file-locked`, `file-unsafe`; the file is as it was then
 */
async function editFile(path, id, edit) {
    try {
        await editLocked(path, id, edit);
    }
    catch (error) {
        // What can't be edited may need no edit: a disk is full, and what is taken back was never done.
        if (!staysAsItIs(path, edit))
            throw notEdited(path, error);
    }
}
/** Whether the edit would change nothing. A directory, or a link in a circle, has no text. */
function staysAsItIs(path, edit) {
    let text;
    try {
        const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path, { throwIfNoEntry: false });
        if ((stat?.size ?? 0) > MAX_FILE)
            return false;
        if (stat?.isFile() === true)
            text = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(path, 'latin1');
    }
    catch (error) {
        if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'ELOOP')
            return false;
    }
    return edit(text) === text;
}
/** What the user can mend if a file can't be edited for it. */
const MENDABLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'EIO'];
/** What the system says of a file (`ENOSPC: …`), as an error that says what to do. */
function notEdited(path, error) {
    const code = (0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error);
    if (!MENDABLE.includes(code ?? '') || isHeldOpen(error))
        return error;
    return new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} can't be edited: ${(0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .explain */ .WE)(error)}.`, {
        hint: `It is as it was. ${REMEDY}`,
        cause: error,
    });
}
async function editLocked(path, id, edit) {
    const target = resolveTarget(path);
    const release = await takeLock(`${target}.ssh-trust-lock`);
    const temporary = `${target}.${TEMPORARY}${id}`;
    try {
        removeTemporaries(target);
        const before = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(target, { throwIfNoEntry: false });
        requireSafe(target, before);
        const text = before === undefined ? undefined : (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(target, 'latin1');
        const edited = edit(text);
        if (edited === text)
            return;
        // A link that stays must not come to lead to nothing.
        if (edited === undefined && !isLink(path)) {
            await whenFree(() => {
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(target);
            });
            return;
        }
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(temporary, { force: true });
        writeNewFile(temporary, Buffer.from(edited ?? '', 'latin1'));
        if (before !== undefined)
            keepOwnerAndMode(temporary, before);
        await whenFree(() => {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.renameSync)(temporary, target);
        });
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(temporary, { force: true });
        await whenFree(release);
    }
}
/** What a file is called while it is written; the id of the job stands behind. */
const TEMPORARY = 'ssh-trust-new-';
/** Under the lock nobody else is writing: what lies there was left by one that was killed. */
function removeTemporaries(target) {
    const prefix = `${(0,node_path__WEBPACK_IMPORTED_MODULE_2__.basename)(target)}.${TEMPORARY}`;
    for (const name of (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readdirSync)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(target))) {
        const id = name.startsWith(prefix) ? name.slice(prefix.length) : '';
        if (/^[A-Za-z0-9]{6}$/.test(id))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(target), name), { force: true });
    }
}
/** Does what needs a file to itself; again for a while where another program holds it. */
async function whenFree(action) {
    const start = Date.now();
    for (;;) {
        try {
            action();
            return;
        }
        catch (error) {
            if (!isHeldOpen(error) || Date.now() - start > HELD_OPEN_TIMEOUT)
                throw error;
        }
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_3__.setTimeout)(20);
    }
}
/**
 * Whether an error may be over in a moment: Windows denies access to a file that another program has
 * open, or that is removed but still open somewhere. Elsewhere that is no error.
 */
function isHeldOpen(error, platform = process.platform) {
    return platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) ?? '');
}
/** The file that a symbolic link stands for: dotfiles are often linked, and the link is to stay. */
function resolveTarget(path) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.realpathSync)(path);
    }
    catch (error) {
        if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'ENOENT')
            throw error;
        // The system would make a file where the link leads, or say that the file is missing.
        const dangling = [path, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(path)].find(isLinkToNothing);
        if (dangling !== undefined) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${dangling} is a symbolic link to nothing.`);
        }
        return path;
    }
}
function isLink(path) {
    return statOf(path)?.isSymbolicLink() === true;
}
function isLinkToNothing(path) {
    return isLink(path) && (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path, { throwIfNoEntry: false }) === undefined;
}
function requireSafe(path, stat) {
    if (stat === undefined)
        return;
    if (!stat.isFile())
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} is not a regular file.`);
    if (stat.size > MAX_FILE)
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} is too large to edit.`);
    const user = process.geteuid?.();
    if (user !== undefined && stat.uid !== user) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} belongs to another user.`, {
            hint: `Its owner is uid ${stat.uid}, and you are ${user}. ${REMEDY}`,
        });
    }
}
function keepOwnerAndMode(path, { mode, uid, gid }) {
    if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).gid !== gid || (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).uid !== uid)
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chownSync)(path, uid, gid);
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chmodSync)(path, mode & 0o7777);
}
/** Takes a lock file; gives the function that lets it go. A lock of a dead process is taken over. */
async function takeLock(path) {
    const content = JSON.stringify(thisHolder());
    const start = Date.now();
    for (;;) {
        try {
            writeNewFile(path, content);
            return () => {
                if (readText(path) === content)
                    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
            };
        }
        catch (error) {
            const passing = isHeldOpen(error) && Date.now() - start < HELD_OPEN_TIMEOUT;
            if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'EEXIST' && !passing)
                throw error;
        }
        removeStaleLock(path);
        if (Date.now() - start > LOCK_TIMEOUT) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-locked', `Another job keeps ${path} since ${LOCK_TIMEOUT / 1000} s.`, {
                hint: 'If no other job is running, remove that file.',
            });
        }
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_3__.setTimeout)(5 + Math.random() * 20);
    }
}
/**
 * Removes a lock that a dead process left. Whoever does that holds a second lock: else what was looked
 * at may have been removed by another meanwhile, and a third have taken the lock anew.
 */
function removeStaleLock(path) {
    if (!isStaleLock(path))
        return;
    const breaking = `${path}-stale`;
    try {
        writeNewFile(breaking, JSON.stringify(thisHolder()));
    }
    catch {
        // Held for the moment that this takes; so one that is stale is of a process killed just then.
        if (isStaleLock(breaking))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(breaking, { force: true });
        return;
    }
    try {
        if (isStaleLock(path))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(breaking, { force: true });
    }
}
function isStaleLock(path) {
    const content = readText(path);
    const stat = statOf(path);
    if (content === undefined || stat === undefined)
        return false;
    return isStale(content, Date.now() - stat.mtimeMs);
}
function thisHolder() {
    return { ...((0,_process_identity__WEBPACK_IMPORTED_MODULE_6__/* .identify */ .l)(process.pid) ?? { pid: process.pid }), host: (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() };
}
function isStale(content, age) {
    const holder = parseHolder(content);
    if (holder === undefined)
        return age > 2000; // its maker died between making and filling it
    if (holder.host === (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() && !(0,_process_identity__WEBPACK_IMPORTED_MODULE_6__/* .stillRuns */ .H)(holder))
        return true;
    // Elsewhere, or perhaps another process with the same pid.
    const known = holder.host === (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() && holder.start !== undefined;
    return !known && age > FOREIGN_LOCK_AGE;
}
function parseHolder(content) {
    try {
        const holder = JSON.parse(content);
        const { pid, host, start } = holder ?? {};
        if (pid === undefined || host === undefined)
            return undefined;
        return { pid, host, ...(start === undefined ? {} : { start }) };
    }
    catch {
        return undefined;
    }
}
/** The text of a file, or undefined where it can't be read. (A pipe could be read for ever.) */
function readText(path) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).isFile() ? (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(path, 'utf8') : undefined;
    }
    catch {
        return undefined;
    }
}
/** Removes a directory that may be gone, or hold what others have put there: then it stays. */
function removeIfEmpty(directory) {
    try {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmdirSync)(directory);
    }
    catch {
        // no matter of ours
    }
}


/***/ }),

/***/ 9668:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ sshDirectories)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8161);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_os__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__nccwpck_require__.n(node_path__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3916);
/* harmony import */ var _files__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(1436);
/**
 * The ~/.ssh that ssh itself looks at: of the passwd entry, whatever $HOME says. On Windows that is the
 * user's profile for the ssh of Windows; that of Git takes $HOME first.
 */





/**
 * Paths of ~/.ssh, which need not exist: one, or where two kinds of ssh don't agree both.
 *
 * @throws TrustError `home-unsafe` where there is none that ssh would use
 */
function sshDirectories(platform = process.platform, env = process.env) {
    const homes = [profile()];
    const { HOME = '' } = platform === 'win32' ? env : {};
    // relative() compares as the platform does, on Windows without regard to case.
    if (HOME !== '' && homes.every((home) => (0,node_path__WEBPACK_IMPORTED_MODULE_2__.relative)(home, HOME) !== ''))
        homes.push(HOME);
    return homes.map((home) => {
        if (home.includes('\ufffd')) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `The path of the home directory is not UTF-8: ${home}.`, {
                hint: 'Set home: false and use the ssh-config output (ssh -F).',
            });
        }
        if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(home, { throwIfNoEntry: false })?.isDirectory() !== true) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `The home directory ${home} does not exist.`, {
                hint: 'Make it, or set home: false and use the ssh-config output (ssh -F).',
            });
        }
        const directory = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(home, '.ssh');
        requireUsable(directory);
        return directory;
    });
}
/** It is there, or it can be made; and what ssh reads in it we can read too. */
function requireUsable(directory) {
    const hint = 'Mend that, or set home: false and use the ssh-config output (ssh -F).';
    const require = (what, path, mode) => {
        try {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.accessSync)(path, mode);
        }
        catch (cause) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `${what}: ${(0,_errors__WEBPACK_IMPORTED_MODULE_3__/* .explain */ .WE)(cause)}.`, { hint, cause });
        }
    };
    if ((0,_files__WEBPACK_IMPORTED_MODULE_4__/* .statOf */ ._N)(directory) === undefined) {
        require(`${directory} can't be made`, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(directory), node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.W_OK | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.X_OK);
        return;
    }
    if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `${directory} is not a directory.`, { hint });
    }
    require(`${directory} can't be entered`, directory, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.X_OK);
    const config = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(directory, 'config');
    if ((0,_files__WEBPACK_IMPORTED_MODULE_4__/* .statOf */ ._N)(config)?.isFile() === true) {
        require(`${config} can't be read`, config, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.R_OK);
    }
}
function profile() {
    try {
        return (0,node_os__WEBPACK_IMPORTED_MODULE_1__.userInfo)().homedir;
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', 'This user has no passwd entry, so ssh has no home directory for it.', {
            hint: 'ssh itself refuses to run for such a user. Give the container a user, or set home: false.',
            cause,
        });
    }
}


/***/ }),

/***/ 2837:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ stillRuns),
/* harmony export */   l: () => (/* binding */ identify)
/* harmony export */ });
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(1421);
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_child_process__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3916);
/**
 * Tells one process from another that got the same pid later. Below all layers, like errors.ts: the
 * agent's watch and the locks of shared files both need it.
 */



/** The identity of a live process, or undefined if there is none with that pid. */
function identify(pid) {
    if (pid <= 0)
        return undefined; // a parent outside this container, which has no pid in here
    if (!isAlive(pid))
        return undefined;
    const start = startTime(pid);
    return start === undefined ? { pid } : { pid, start };
}
/** Whether that very process still runs. */
function stillRuns({ pid, start }) {
    if (!isAlive(pid))
        return false;
    return start === undefined || startTime(pid) === start;
}
function isAlive(pid) {
    try {
        process.kill(pid, 0);
    }
    catch (error) {
        // EPERM: it lives, and belongs to somebody else.
        return (0,_errors__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(error) === 'EPERM';
    }
    return startTime(pid) !== 'zombie';
}
function startTime(pid) {
    try {
        if (process.platform === 'linux') {
            // proc(5): field 3 is the state, field 22 the start; the name, field 2, may hold anything but
            // ends at the last parenthesis.
            const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_1__.readFileSync)(`/proc/${pid}/stat`, 'latin1');
            const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            return fields[0] === 'Z' ? 'zombie' : fields[19];
        }
        if (process.platform === 'darwin') {
            // An environment of its own: the same words whoever asks, and nothing of ours handed on.
            const env = { LC_ALL: 'C', TZ: 'UTC' };
            const args = ['-o', 'lstart=', '-p', String(pid)];
            return (0,node_child_process__WEBPACK_IMPORTED_MODULE_0__.execFileSync)('/bin/ps', args, { encoding: 'utf8', env }).trim();
        }
    }
    catch {
        // gone in between, or not to be told
    }
    return undefined;
}


/***/ }),

/***/ 7435:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   p: () => (/* binding */ eachOf)
/* harmony export */ });
/** Work on many hosts at once, within a bound. */
/**
 * Runs `work` for each, some at a time; the results in the order of `items`.
 *
 * @throws what the first `work` that fails throws; others that have begun go on meanwhile
 */
async function eachOf(items, atOnce, work) {
    const results = [];
    const entries = items.entries();
    const worker = async () => {
        for (const [index, item] of entries)
            results[index] = await work(item);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
    return results;
}


/***/ }),

/***/ 6807:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   h: () => (/* binding */ noteNoLogin),
/* harmony export */   n: () => (/* binding */ withRoomToFail)
/* harmony export */ });
/**
 * How many connections without a login a server may see from us. sshd counts them against the address
 * that they come from (sshd_config(5), PerSourcePenalties, since OpenSSH 9.8) and then refuses it
 * altogether: the runner, with all that it is still to do there, and to take back.
 */
/** Milliseconds of penalty: a login that failed, and a connection that tried none. */
const FAILED_LOGIN = 5000;
const NO_LOGIN = 1000;
/**
 * Sum of penalties up to which a login is tried; proofs, one for a server as a rule, don't wait. sshd
 * refuses above 15 s; it counts each from when its own process has ended, which is a little later than
 * we know of it.
 */
const MOST = 14_000;
/** Most logins under way at one server: MaxStartups counts them, too. */
const LOGINS_AT_ONCE = 2;
const standings = new Map();
function standingOf({ host, port }) {
    const server = `[${host.toLowerCase()}]:${port}`;
    const known = standings.get(server);
    if (known !== undefined)
        return known;
    const standing = { until: 0, underWay: 0, waiting: [] };
    standings.set(server, standing);
    return standing;
}
/** Whether a server of that software penalises: `OpenSSH_9.8p1`, with or without `SSH-2.0-` before it. */
function penalises(software) {
    const [, major, minor] = /^(?:SSH-[\d.]+-)?OpenSSH_(\d+)\.(\d+)/.exec(software) ?? [];
    return major !== undefined && Number(major) * 1000 + Number(minor) >= 9008;
}
function add(standing, penalty) {
    standing.until = Math.max(standing.until, Date.now()) + penalty;
}
/** Notes a connection that ended without a login being tried. */
function noteNoLogin(server, software) {
    if (penalises(software))
        add(standingOf(server), NO_LOGIN);
}
/**
 * Does `login` when there is room for it to fail; the others wait their turn.
 *
 * @param software what the server calls itself, asked when the login has failed
 * @throws what `login` throws
 */
async function withRoomToFail(server, software, login) {
    const standing = standingOf(server);
    await room(standing);
    try {
        return await login();
    }
    catch (error) {
        if (penalises(software()))
            add(standing, FAILED_LOGIN);
        throw error;
    }
    finally {
        standing.underWay -= 1;
        standing.waiting.shift()?.();
    }
}
/** Waits for a place among the logins that are under way, and takes it. */
async function room(standing) {
    for (;;) {
        if (standing.underWay >= LOGINS_AT_ONCE) {
            await new Promise((resolve) => standing.waiting.push(resolve));
            continue;
        }
        const reserved = (standing.underWay + 1) * FAILED_LOGIN;
        const excess = Math.max(0, standing.until - Date.now()) + reserved - MOST;
        if (excess <= 0)
            break;
        await new Promise((resolve) => setTimeout(resolve, excess));
    }
    standing.underWay += 1;
}


/***/ }),

/***/ 8450:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   m: () => (/* binding */ socketError)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/** What is wrong with a connection, from the error of its socket, in words a person can act on. */

/** @param closed the error of a connection that the server has closed: what was lost by that differs */
function socketError(error, closed) {
    // Happy eyeballs: all the addresses of a name failed; the first reason is as good as any.
    const first = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
    const code = (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .systemCode */ .xU)(first) ?? 'unknown';
    const cause = error;
    switch (code) {
        case 'ENOTFOUND':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-not-found', 'There is no such host name.', {
                hint: 'Check the spelling; a name of a private network needs that network on the runner.',
                cause,
            });
        case 'EAI_AGAIN':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-not-found', 'The host name could not be looked up: the name server does not answer.', {
                hint: 'Try again, or check the name service of the runner.',
                cause,
            });
        case 'ECONNREFUSED':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-refused', 'Nothing listens on that port.', {
                hint: 'Start the SSH server there (package openssh-server), or correct the port.',
                cause,
            });
        case 'ETIMEDOUT':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-timeout', 'The connection timed out.', {
                hint: 'A firewall may be dropping it, or the machine is down or busy.',
                cause,
            });
        case 'ECONNRESET':
        case 'EPIPE':
            return closed();
        default:
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-unreachable', `The host can't be reached (${code}).`, {
                hint: 'Check the address and the network of the runner.',
                cause,
            });
    }
}


/***/ }),

/***/ 6847:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";

// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  C: () => (/* binding */ verifyHost),
  L: () => (/* binding */ verifyHosts)
});

// EXTERNAL MODULE: ./src/errors.ts
var errors = __nccwpck_require__(3916);
// EXTERNAL MODULE: ./src/ssh/certificate.ts
var certificate = __nccwpck_require__(5921);
// EXTERNAL MODULE: ./src/ssh/key-exchange.ts
var key_exchange = __nccwpck_require__(707);
// EXTERNAL MODULE: ./src/ssh/pin.ts
var pin = __nccwpck_require__(8933);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __nccwpck_require__(6119);
// EXTERNAL MODULE: ./src/remote/each-of.ts
var each_of = __nccwpck_require__(7435);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __nccwpck_require__(7030);
// EXTERNAL MODULE: ./src/ssh/transport.ts
var transport = __nccwpck_require__(7963);
// EXTERNAL MODULE: ./src/remote/penalties.ts
var penalties = __nccwpck_require__(6807);
// EXTERNAL MODULE: ./src/remote/socket-error.ts
var socket_error = __nccwpck_require__(8450);
;// CONCATENATED MODULE: ./src/remote/prove.ts
/**
 * One connection to a server, as far as it takes to prove its host key: connect, versions, key
 * exchange, signature, goodbye. No login is tried and nothing is encrypted.
 */







const VERSION = 'SSH-2.0-sshtrust';
/** More than any honest server needs for its half; an endless one is cut off here. */
const MAX_BYTES = 256 * 1024;
/**
 * Proves one host key of the server at `address`.
 *
 * @param algorithms host key algorithms to ask for, best first
 * @param timeout for all of it, in milliseconds
 * @throws TrustError `host-not-found`, `host-refused`, `host-unreachable`, `host-timeout`,
 *   `host-closed`, `host-not-ssh`, `host-protocol`, `host-no-common-algorithm`, `host-key-type-absent`,
 *   `host-key-unproven`, `key-too-small`
 */
async function proveHostKey(address, algorithms, timeout) {
    const deadline = Date.now() + timeout;
    const stream = await dial(address, timeout);
    return exchange(stream, algorithms, Math.max(1, deadline - Date.now()), (software) => {
        (0,penalties/* noteNoLogin */.h)(address, software);
    });
}
/** A TCP connection. */
async function dial({ host, port }, timeout) {
    return new Promise((resolve, reject) => {
        const socket = (0,external_node_net_.connect)({ host, port });
        const timer = setTimeout(() => {
            socket.destroy();
            reject(new errors/* TrustError */.Ru('host-timeout', `No answer within ${timeout / 1000} s.`, {
                hint: 'A firewall may be dropping the connection, or the machine is down. Check host, port, and the firewall rules for the address that this job comes from.',
            }));
        }, timeout);
        socket.once('connect', () => {
            clearTimeout(timer);
            socket.removeAllListeners('error');
            resolve(socket);
        });
        socket.once('error', (error) => {
            clearTimeout(timer);
            reject((0,socket_error/* socketError */.m)(error, () => prove_closed(undefined, error)));
        });
    });
}
function prove_closed(said, cause) {
    const words = said === undefined ? '' : ` It said: "${(0,transport/* printable */.g$)(said)}".`;
    return new errors/* TrustError */.Ru('host-closed', `The server closed the connection before it proved its key.${words}`, {
        hint: 'Often MaxStartups, PerSourcePenalties, fail2ban or TCP wrappers on the server. Wait, then look at its log.',
        cause,
    });
}
/**
 * The SSH part, over any byte stream. Always destroys the stream.
 *
 * @param onVersion told the server's version line, `SSH-2.0-…`
 */
async function exchange(stream, algorithms, timeout, onVersion) {
    const reader = new transport/* TransportReader */.Rk();
    const ourInit = (0,key_exchange/* kexInit */.p6)(algorithms);
    let phase = 'its version line';
    let received = 0;
    let serverVersion;
    let kex;
    let offered = [];
    /** Handles one packet; gives the proof once the server has given it. */
    const handle = (payload, version) => {
        const type = payload[0];
        if (type === transport/* SSH_MSG_IGNORE */.CV || type === transport/* SSH_MSG_DEBUG */.zA)
            return undefined;
        if (type === transport/* SSH_MSG_DISCONNECT */.OX)
            throw prove_closed((0,transport/* disconnectReason */.lt)(payload));
        if (type === transport/* SSH_MSG_KEXINIT */.wU && kex === undefined) {
            offered = (0,key_exchange/* parseKexInit */.k_)(payload).hostKeys;
            kex = (0,key_exchange/* startExchange */.mz)({ client: VERSION, server: version }, ourInit, payload, algorithms);
            stream.write((0,transport/* encodePacket */.Py)(kex.init));
            phase = 'the key exchange';
            return undefined;
        }
        if (kex?.ignoreNext === true) {
            kex.ignoreNext = false;
            return undefined;
        }
        if (type === key_exchange/* SSH_MSG_KEXDH_REPLY */.lJ && kex !== undefined) {
            const hostKey = kex.finish(payload);
            if ((0,public_key/* typeOfBlob */.JX)(hostKey) === 'ssh-rsa')
                (0,public_key/* requireRsaSize */.Tm)(hostKey);
            return { hostKey, algorithms: offered, serverVersion: version };
        }
        throw new errors/* TrustError */.Ru('host-protocol', `The server sent the unexpected message ${type ?? 'none'}.`);
    };
    const work = new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            reject(new errors/* TrustError */.Ru('host-timeout', `The server accepted the connection but did not finish ${phase} within ${Math.ceil(timeout / 1000)} s.`, {
                hint: 'It may be overloaded, or not an SSH server. Raise connect-timeout if it is only slow.',
            }));
        }, timeout);
        const settle = () => {
            clearTimeout(timer);
        };
        stream.on('data', (chunk) => {
            try {
                received += chunk.length;
                if (received > MAX_BYTES) {
                    throw new errors/* TrustError */.Ru('host-protocol', `The server sent more than ${MAX_BYTES} bytes without proving its key.`);
                }
                reader.push(chunk);
                if (serverVersion === undefined) {
                    serverVersion = reader.version();
                    if (serverVersion === undefined)
                        return;
                    onVersion(serverVersion);
                    phase = 'the negotiation';
                }
                for (let packet = reader.packet(); packet !== undefined; packet = reader.packet()) {
                    const proof = handle(packet, serverVersion);
                    if (proof === undefined)
                        continue;
                    settle();
                    stream.end((0,transport/* encodePacket */.Py)((0,transport/* disconnectMessage */.MG)('host key proven, thank you')));
                    resolve(proof);
                    return;
                }
            }
            catch (error) {
                settle();
                reject(error instanceof errors/* TrustError */.Ru && error.code === 'malformed'
                    ? new errors/* TrustError */.Ru('host-protocol', `The server broke the protocol. ${error.message}`, {
                        cause: error,
                    })
                    : error instanceof Error
                        ? error
                        : new Error(String(error)));
            }
        });
        const gone = (error) => {
            settle();
            const line = reader.firstLine;
            const notSsh = serverVersion === undefined && line !== undefined;
            reject(notSsh && /^HTTP\//.test(line)
                ? new errors/* TrustError */.Ru('host-not-ssh', `What answers there is not an SSH 2 server: it says "${(0,transport/* printable */.g$)(line)}".`, { hint: 'Check the host name and the port.' })
                : prove_closed(line, error));
        };
        stream.once('error', gone);
        stream.once('close', () => {
            gone();
        });
        stream.once('end', () => {
            gone();
        });
        stream.write(`${VERSION}\r\n`);
        stream.write((0,transport/* encodePacket */.Py)(ourInit));
    });
    try {
        return await work;
    }
    finally {
        // The disconnect message still goes out; then the server need not wait for us.
        stream.on('error', () => undefined);
        stream.end(() => {
            stream.destroy();
        });
    }
}

;// CONCATENATED MODULE: ./src/remote/verify-hosts.ts
/**
 * Holds servers against their pins: asks each for the kinds of key that are pinned, one connection
 * where that is possible, all servers at once within bounds.
 */







/** Servers at once: far from the usual limit of 1,024 open files, and enough to hide latency. */
const MAX_AT_ONCE = 64;
function sameKind(a, b) {
    return a.type === b.type && a.certified === b.certified;
}
function algorithmsOf(kind) {
    return (0,key_exchange/* hostKeyAlgorithms */.Qb)(kind.type, kind.certified);
}
/** Whether a pin says that it is for this kind of key; a bare fingerprint says nothing. */
function namesKind(pins, { type, certified }) {
    return pins.some((pin) => (pin.kind === 'cert-authority' && certified) ||
        (pin.kind === 'key' && !certified && pin.key.type === type) ||
        (pin.kind === 'fingerprint' && !certified && pin.type === type));
}
/** The kinds that could satisfy `pins`: those that are named by a pin first. */
function wantedKinds(pins) {
    const all = public_key/* KEY_TYPES */.WJ.map((type) => ({ type, certified: false }));
    const kinds = [];
    const add = (more) => {
        kinds.push(...more.filter((kind) => !kinds.some((known) => sameKind(known, kind))));
    };
    for (const pin of pins) {
        if (pin.kind === 'key')
            add([{ type: pin.key.type, certified: false }]);
        if (pin.kind === 'fingerprint' && pin.type)
            add([{ type: pin.type, certified: false }]);
        if (pin.kind === 'cert-authority')
            add(public_key/* KEY_TYPES */.WJ.map((type) => ({ type, certified: true })));
    }
    if (pins.some((pin) => pin.kind === 'fingerprint' && pin.type === undefined))
        add(all);
    return kinds;
}
/**
 * Verifies one server. Sequential, and never more connections than there are kinds of key: sshd's
 * PerSourcePenalties count connections without a login.
 *
 * @param timeout for the host, all its connections together, in milliseconds
 */
async function verifyHost(target, timeout) {
    const deadline = Date.now() + timeout;
    const left = () => Math.max(1, deadline - Date.now());
    const offered = [];
    let defect;
    let untried = wantedKinds(target.pins);
    try {
        while (untried.length > 0) {
            const proof = await proveOne(target, untried, left());
            if (proof === undefined)
                break;
            const { hostKey } = proof;
            const judgement = (0,pin/* judgeHostKey */.Tx)(target.pins, target.host, hostKey, Date.now() / 1000);
            if (judgement.verdict === 'ok') {
                const { pin } = judgement;
                const trusted = pin.kind === 'cert-authority' ? hostKey : (0,certificate/* plainKey */.y7)(hostKey);
                const stale = offered.filter((key) => namesKind(target.pins, (0,certificate/* kindOfKey */.RI)(key)));
                return { status: 'ok', hostKey: trusted, pin, stale };
            }
            offered.push(hostKey);
            if (judgement.verdict === 'revoked')
                return { status: 'revoked', offered };
            defect = judgement.defect ?? defect;
            const tried = (0,certificate/* kindOfKey */.RI)(hostKey);
            untried = untried.filter((kind) => !sameKind(kind, tried) &&
                algorithmsOf(kind).some((algorithm) => proof.algorithms.includes(algorithm)));
        }
        if (offered.length === 0) {
            // The server has no key of a pinned kind: find out what it has, for the message.
            const everything = public_key/* KEY_TYPES */.WJ.map((type) => ({ type, certified: false }));
            const { hostKey } = await proveHostKey(target, everything.flatMap(algorithmsOf), left());
            offered.push(hostKey);
        }
        return { status: 'changed', offered, ...(defect === undefined ? {} : { defect }) };
    }
    catch (error) {
        if (!(error instanceof errors/* TrustError */.Ru))
            throw error;
        return { status: 'unreachable', error };
    }
}
/** A proof for the first of `kinds` that the server has; undefined where it has none of them. */
async function proveOne(target, kinds, timeout) {
    try {
        return await proveHostKey(target, kinds.flatMap(algorithmsOf), timeout);
    }
    catch (error) {
        if (error instanceof errors/* TrustError */.Ru && error.code === 'host-key-type-absent')
            return undefined;
        throw error;
    }
}
/**
 * Verifies all targets. Results stand in the order of `targets`. Targets on the same host name are
 * taken one after another, so that no server sees many connections of ours at once.
 */
async function verifyHosts(targets, timeout) {
    const byHost = new Map();
    targets.forEach(({ host }, index) => {
        const name = host.toLowerCase();
        byHost.set(name, [...(byHost.get(name) ?? []), index]);
    });
    const results = new Array(targets.length);
    await (0,each_of/* eachOf */.p)([...byHost.values()], MAX_AT_ONCE, async (group) => {
        for (const index of group) {
            const target = targets[index];
            if (target !== undefined)
                results[index] = await verifyHost(target, timeout);
        }
    });
    return results;
}


/***/ }),

/***/ 8962:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $3: () => (/* binding */ removeKeys),
/* harmony export */   $C: () => (/* binding */ parseKeyOptions),
/* harmony export */   AY: () => (/* binding */ formatAuthorizedKey),
/* harmony export */   D$: () => (/* binding */ expirySupport),
/* harmony export */   GW: () => (/* binding */ addAuthorizedKey),
/* harmony export */   TK: () => (/* binding */ expiryTime),
/* harmony export */   Tj: () => (/* binding */ parseAuthorizedKeys),
/* harmony export */   Zj: () => (/* binding */ removeAuthorizedKey),
/* harmony export */   au: () => (/* binding */ parseAuthorizedKey)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(7030);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_net__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3916);
/* harmony import */ var _certificate__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(5921);
/* harmony import */ var _pattern__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(2368);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(6119);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(3529);
/**
 * The text of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): adding a key and taking
 * it out again, byte for byte. Nothing here reads or writes files. What sshd skips (comments, blank
 * lines, lines that it does not understand) is never touched.
 */







/** Longest line, sshd(8): "up to a limit of 8 kilobytes". Newer ones take longer lines. */
const MAX_LINE = 8 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
function splitLines(content) {
    const lines = [];
    for (let start = 0; start < content.length;) {
        const found = content.indexOf(NEWLINE, start);
        const end = found < 0 ? content.length : found;
        const next = found < 0 ? end : end + 1;
        lines.push({ start, end, next });
        start = next;
    }
    return lines;
}
/** Where sshd sees UTF-8 or nothing at all, we see bytes; people see UTF-8. */
function shown(latin1) {
    return Buffer.from(latin1, 'latin1').toString('utf8');
}
/**
 * The key on one line, by sshd's grammar; undefined for a comment, a blank line, and whatever sshd
 * does not take for a key.
 */
function parseAuthorizedKey(line, lineNumber = 1) {
    // sshd reads lines as C strings.
    const [seen = ''] = line.toString('latin1').split('\0', 1);
    const text = seen.replace(/^[ \t]+/, '');
    if (text === '' || text.startsWith('#'))
        return undefined;
    const plain = readKey(text);
    const found = plain === undefined ? readOptionsAndKey(text) : { ...plain, options: [] };
    if (found === undefined)
        return undefined;
    const { options, type, blob, comment } = found;
    return {
        lineNumber,
        options: options.map(shown),
        type,
        blob,
        comment: shown(comment),
        text: shown(seen.replace(/\r$/, '')),
    };
}
/** All keys of a file, in their order. */
function parseAuthorizedKeys(content) {
    return keyLines(content).map(({ key }) => key);
}
function keyLines(content) {
    return splitLines(content).flatMap((line, index) => {
        const key = parseAuthorizedKey(content.subarray(line.start, line.end), index + 1);
        return key === undefined ? [] : [{ ...line, key }];
    });
}
/** `type base64 [comment]`, as OpenSSH's sshkey_read does: the type inside must be the same. */
function readKey(text) {
    const [, type, run, rest = ''] = /^([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/s.exec(text) ?? [];
    if (type === undefined || run === undefined)
        return undefined;
    // OpenSSH's decoder passes over white space: in a file with CRLF the run ends with a CR.
    const base64 = run.replace(/[\r\v\f]/g, '');
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
        return undefined;
    const blob = Buffer.from(base64, 'base64');
    try {
        const reader = new _wire__WEBPACK_IMPORTED_MODULE_5__/* .Reader */ .mP(blob);
        if (reader.text(64) !== type || reader.remaining === 0)
            return undefined;
        // All plain keys are strings to their end; one that was cut short is no key for sshd.
        while (!(0,_certificate__WEBPACK_IMPORTED_MODULE_3__/* .isCertificateType */ .qu)(type) && reader.remaining > 0)
            reader.string();
    }
    catch {
        return undefined;
    }
    return { type, blob, comment: rest.trimEnd() };
}
function readOptionsAndKey(text) {
    const { options, end, balanced } = splitOptions(text);
    if (!balanced)
        return undefined;
    const key = readKey(text.slice(end).replace(/^[ \t]+/, ''));
    return key === undefined ? undefined : { ...key, options };
}
/** As OpenSSH's sshkey_advance_past_options: up to the first blank that is not in quotes. */
function splitOptions(text) {
    const options = [];
    let quoted = false;
    let start = 0;
    let end = 0;
    for (; end < text.length && (quoted || !/[ \t]/.test(text.charAt(end))); end += 1) {
        const char = text.charAt(end);
        if (char === '\\' && text.charAt(end + 1) === '"')
            end += 1;
        else if (char === '"')
            quoted = !quoted;
        else if (char === ',' && !quoted) {
            options.push(text.slice(start, end));
            start = end + 1;
        }
    }
    options.push(text.slice(start, end));
    return { options, end, balanced: !quoted };
}
/** Whether two keys in wire format are the same for sshd: RSA numbers may have leading zeros. */
function isSameKey(a, b) {
    if (a.equals(b))
        return true;
    const [left, right] = [rsaNumbers(a), rsaNumbers(b)];
    return left !== undefined && left === right;
}
function rsaNumbers(blob) {
    try {
        const reader = new _wire__WEBPACK_IMPORTED_MODULE_5__/* .Reader */ .mP(blob);
        if (reader.text(64) !== 'ssh-rsa')
            return undefined;
        return `${reader.mpint().toString('hex')} ${reader.mpint().toString('hex')}`;
    }
    catch {
        return undefined;
    }
}
/**
 * Appends `line` (without newline) unless the same key is there, with whatever options. The new
 * line ends as the last one of the file does, with LF or CRLF; sshd and dropbear take both.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
function addAuthorizedKey(content, line) {
    const { blob } = requireKeyLine(line);
    const existing = parseAuthorizedKeys(content).find((key) => isSameKey(key.blob, blob));
    if (existing !== undefined)
        return { status: 'present', content, existing };
    const newline = lineEnd(content);
    if (content.length === 0 || content.at(-1) === NEWLINE) {
        return { status: 'added', content: Buffer.concat([content, Buffer.from(line + newline)]) };
    }
    const added = Buffer.from(newline + line + newline);
    return {
        status: 'added',
        content: Buffer.concat([content, added]),
        newlineMended: digest(content),
    };
}
function requireKeyLine(line) {
    const key = parseAuthorizedKey(Buffer.from(line));
    if (key === undefined || /[\r\n\0]/.test(line) || Buffer.byteLength(line) > MAX_LINE) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('input-invalid', 'This is not a line for authorized_keys.');
    }
    return key;
}
function lineEnd(content) {
    const last = content.lastIndexOf(NEWLINE);
    return last > 0 && content[last - 1] === RETURN ? '\r\n' : '\n';
}
function digest(content) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(content).digest('hex');
}
/**
 * Removes the line that `addAuthorizedKey` has added, wherever it stands now; every other byte stays.
 * The newline that was mended goes too if what was there before is just as it was, and nothing follows.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
function removeAuthorizedKey(content, line, { newlineMended, changed = false } = {}) {
    const { blob } = requireKeyLine(line);
    const ours = Buffer.from(line);
    const same = keyLines(content).filter(({ key }) => isSameKey(key.blob, blob));
    const isExact = ({ start, end }) => withoutReturn(content.subarray(start, end)).equals(ours);
    const removed = changed ? same : same.filter(isExact);
    const rest = withoutLines(content, removed);
    const last = removed.at(-1);
    const wasLast = last?.next === content.length && removed.length === 1;
    return {
        content: wasLast && newlineMended !== undefined ? withoutMend(rest, newlineMended) : rest,
        removed: removed.map(({ key }) => key),
        left: same.filter((one) => !removed.includes(one)).map(({ key }) => key),
    };
}
function withoutReturn(line) {
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}
function withoutLines(content, lines) {
    const kept = [];
    let from = 0;
    for (const { start, next } of lines) {
        kept.push(content.subarray(from, start));
        from = next;
    }
    return Buffer.concat([...kept, content.subarray(from)]);
}
/** `content` without its last newline, if that gives what was there before the newline was mended. */
function withoutMend(content, before) {
    const candidates = [Buffer.from('\n'), Buffer.from('\r\n')]
        .filter((newline) => content.subarray(-newline.length).equals(newline))
        .map((newline) => content.subarray(0, content.length - newline.length));
    return candidates.find((candidate) => digest(candidate) === before) ?? content;
}
/** Removes all keys that match any of `matches`; every other byte stays. */
function removeKeys(content, matches) {
    const removed = keyLines(content).filter(({ key }) => matches.some((match) => isMatch(key, match)));
    return { content: withoutLines(content, removed), removed: removed.map(({ key }) => key) };
}
function isMatch(key, match) {
    if (match.kind === 'key')
        return isSameKey(key.blob, match.blob);
    if (match.kind === 'comment')
        return (0,_pattern__WEBPACK_IMPORTED_MODULE_6__/* .matchPattern */ .g)(key.comment, match.pattern);
    return (0,_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(key.blob) === match.fingerprint.replace(/=+$/, '');
}
/**
 * A line for authorized_keys, without newline.
 *
 * @throws TrustError `input-invalid` for options that sshd would refuse, and for a comment or a line
 *   that can't stand there
 */
function formatAuthorizedKey(key) {
    const options = key.options ?? [];
    checkOptions(options);
    const comment = key.comment ?? '';
    if (hasControls(comment))
        throw invalid('The comment of a key can have no control characters.');
    const text = options.map(formatOption).join(',');
    const line = `${text}${text === '' ? '' : ' '}${(0,_public_key__WEBPACK_IMPORTED_MODULE_4__/* .formatPublicKey */ .et)(key.blob, comment.trim())}`;
    if (Buffer.byteLength(line) > MAX_LINE) {
        throw invalid(`A line of authorized_keys can't be longer than ${MAX_LINE} bytes.`);
    }
    return line;
}
function formatOption({ name, value }) {
    return value === undefined ? name : `${name}="${value.replaceAll('"', '\\"')}"`;
}
function invalid(message, hint) {
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('input-invalid', message, hint === undefined ? {} : { hint });
}
/** Control characters but the tab, which sshd allows between quotes. */
function hasControls(text) {
    return /[\0-\x08\x0a-\x1f\x7f]/.test(text);
}
/** Options without value; those that begin with `no-` mean the contrary. */
const FLAGS = [
    'restrict',
    'cert-authority',
    ...[
        'agent-forwarding',
        'port-forwarding',
        'pty',
        'touch-required',
        'user-rc',
        'verify-required',
        'x11-forwarding',
    ].flatMap((name) => [name, `no-${name}`]),
];
/** Options with a value: what is wrong with one, or undefined. */
const VALUES = {
    command: (value) => (value.trim() === '' ? 'is empty' : undefined),
    environment: (value) => /^[A-Za-z0-9_]+=/.test(value)
        ? undefined
        : 'is not NAME=value with a name of letters, digits, _',
    'expiry-time': (value) => isTime(value) ? undefined : 'is not a time: YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]',
    from: (value) => value.split(',').map(wrongPattern).find(isText),
    permitlisten: (value) => isAddress(value.includes(':') ? value : `*:${value}`) ? undefined : 'is not [host:]port',
    permitopen: (value) => (isAddress(value) ? undefined : 'is not host:port'),
    principals: (value) => value.split(',').every((name) => name !== '') ? undefined : 'has an empty name in its list',
    tunnel: (value) => (/^(?:any|\d+)$/i.test(value) ? undefined : 'is neither a number nor any'),
};
/** OpenSSH refuses a line that has one of these twice. */
const ONCE = ['command', 'from', 'principals'];
/**
 * Options as people write them in front of a key: `restrict,from="10.0.0.0/8"`. Quotes may be left
 * out where the value has neither comma, blank nor quote.
 *
 * @throws TrustError `input-invalid` for what sshd would not understand: it would refuse the line
 */
function parseKeyOptions(text) {
    const trimmed = text.trim();
    if (trimmed === '')
        return [];
    const { options, end, balanced } = splitOptions(trimmed);
    if (!balanced)
        throw invalid('The options for the key have a quote that does not end.');
    if (end < trimmed.length) {
        throw invalid('Options for a key have no blanks between them.', 'Put commas between the options, and double quotes around a value with blanks.');
    }
    const parsed = options.map(parseOption);
    checkOptions(parsed);
    return parsed;
}
function parseOption(text) {
    const equals = text.indexOf('=');
    if (equals < 0)
        return { name: text };
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    if (!value.includes('"'))
        return { name, value };
    if (!/^"(?:\\"|[^"])*"$/.test(value)) {
        throw invalid(`The value of ${name} has quotes in odd places.`, 'Quotes stand around the whole value; one inside it is written as \\".');
    }
    return { name, value: value.slice(1, -1).replaceAll('\\"', '"') };
}
function checkOptions(options) {
    const names = options.map(({ name }) => name.toLowerCase());
    for (const option of options)
        checkOption(option);
    const twice = ONCE.find((name) => names.filter((other) => other === name).length > 1);
    if (twice !== undefined)
        throw invalid(`The option ${twice} stands there twice.`);
    if (names.includes('principals') && !names.includes('cert-authority')) {
        throw invalid('The option principals is for cert-authority keys only.');
    }
}
function checkOption({ name, value }) {
    const lower = name.toLowerCase();
    const isFlag = FLAGS.includes(lower);
    const check = Object.hasOwn(VALUES, lower) ? VALUES[lower] : undefined;
    if (!isFlag && check === undefined) {
        throw invalid(`${JSON.stringify(name)} is no option of authorized_keys.`, `There are ${[...FLAGS, ...Object.keys(VALUES).map((known) => `${known}=`)].sort().join(', ')}.`);
    }
    if (check === undefined) {
        if (value !== undefined)
            throw invalid(`The option ${lower} takes no value.`);
        return;
    }
    if (value === undefined)
        throw invalid(`The option ${lower} needs a value: ${lower}="…".`);
    if (hasControls(value))
        throw invalid(`The value of ${lower} has control characters in it.`);
    // sshd would take the backslash and the closing quote for a quote in the value.
    if (value.endsWith('\\'))
        throw invalid(`The value of ${lower} can't end with a backslash.`);
    const wrong = check(value);
    if (wrong !== undefined)
        throw invalid(`The value of ${lower} ${wrong}: ${JSON.stringify(value)}.`);
}
function isText(value) {
    return value !== undefined;
}
/** `host:port`, `[address]:port`; the port is a number, a service, or `*`. */
function isAddress(text) {
    const [, port] = /^(?:\[[0-9A-Fa-f:.*?]+\]|[^:[\]\s]+):([^:]+)$/.exec(text) ?? [];
    if (port === undefined)
        return false;
    if (/^\d+$/.test(port))
        return Number(port) >= 1 && Number(port) <= 65535;
    return port === '*' || /^[a-z][a-z0-9-]*$/i.test(port);
}
/** What is wrong with one pattern of `from`. sshd lets nobody in where one of them is malformed. */
function wrongPattern(pattern) {
    const text = pattern.replace(/^!/, '');
    if (text === '')
        return 'has an empty pattern in its list';
    if (/\s/.test(text))
        return 'has a blank in a pattern';
    if (!text.includes('/'))
        return undefined;
    const [address = '', length = ''] = text.split('/', 2);
    const bits = addressBits(address);
    if (bits === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits.length) {
        return 'has a malformed network';
    }
    return bits.slice(Number(length)).includes('1')
        ? 'has a network with bits behind its length'
        : undefined;
}
function addressBits(address) {
    const version = (0,node_net__WEBPACK_IMPORTED_MODULE_1__.isIP)(address);
    if (version === 0 || address.includes('%'))
        return undefined;
    if (version === 4)
        return bitsOf(address.split('.').map(Number), 8);
    const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
        const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
        return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    });
    const [head = '', tail] = hex.split('::', 2);
    const groups = (text) => text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
    const [left, right] = [groups(head), groups(tail ?? '')];
    const zeros = new Array(Math.max(0, 8 - left.length - right.length)).fill(0);
    return bitsOf([...left, ...zeros, ...right], 16);
}
function bitsOf(numbers, width) {
    return numbers.map((number) => number.toString(2).padStart(width, '0')).join('');
}
/** As OpenSSH's parse_absolute_time. */
function isTime(text) {
    const [, digits] = /^(\d{8}|\d{12}|\d{14})(?:Z|UTC)?$/i.exec(text) ?? [];
    if (digits === undefined)
        return false;
    const at = (start, length = 2) => Number(digits.slice(start, start + length));
    const day = new Date(Date.UTC(at(0, 4), at(4) - 1, at(6)));
    return (at(0, 4) >= 1970 && // Date.UTC takes 0 to 99 for 1900 to 1999
        day.getUTCMonth() === at(4) - 1 &&
        day.getUTCDate() === at(6) &&
        at(8) < 24 &&
        at(10) < 60 &&
        at(12) < 60);
}
/**
 * The option `expiry-time`, whole seconds. With a `Z` it is UTC, for OpenSSH since 9.1 (2022-10-04);
 * without it is in the time zone of the server, since 7.7 (2018-04-02), when the option came.
 *
 * @throws TrustError `input-invalid` if `date` can't be written so
 */
function expiryTime(date, form) {
    const shift = form === 'utc' ? 0 : form.offset * 60_000;
    const time = new Date(date.getTime() + shift);
    if (Number.isNaN(time.getTime()) ||
        time.getUTCFullYear() < 1970 ||
        time.getUTCFullYear() > 9999) {
        throw invalid('A key can expire between the years 1970 and 9999 only.');
    }
    const digits = time.toISOString().slice(0, 19).replace(/\D/g, '');
    return { name: 'expiry-time', value: form === 'utc' ? `${digits}Z` : digits };
}
/**
 * What a server makes of `expiry-time`, by the software that its version line names
 * (`OpenSSH_9.2p1 Debian-2`). `none`: it would refuse the whole line, as it does with an option that
 * it does not know.
 */
function expirySupport(software) {
    if (/^dropbear/i.test(software))
        return 'none';
    const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(software) ?? [];
    if (major === undefined)
        return 'unknown';
    const version = Number(major) * 1000 + Number(minor);
    if (version >= 9001)
        return 'utc';
    return version >= 7007 ? 'server-time' : 'none';
}


/***/ }),

/***/ 5921:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AD: () => (/* binding */ certificateType),
/* harmony export */   Ly: () => (/* binding */ isoTime),
/* harmony export */   Nv: () => (/* binding */ hostCertificateDefect),
/* harmony export */   RI: () => (/* binding */ kindOfKey),
/* harmony export */   SY: () => (/* binding */ FOREVER),
/* harmony export */   hB: () => (/* binding */ parseCertificate),
/* harmony export */   qu: () => (/* binding */ isCertificateType),
/* harmony export */   sS: () => (/* binding */ validityDefect),
/* harmony export */   tr: () => (/* binding */ certificateOnLine),
/* harmony export */   y7: () => (/* binding */ plainKey)
/* harmony export */ });
/* unused harmony export isSigned */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6119);
/* harmony import */ var _signature__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(5636);
/* harmony import */ var _pattern__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(2368);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3529);
/**
 * OpenSSH certificates, version 01 (OpenSSH's PROTOCOL.certkeys): reading, and checking a host
 * certificate against a certificate authority. The rules are those of OpenSSH's
 * sshkey_cert_check_host, with its newest reading of an empty principals list: it matches nobody.
 */





/** PROTOCOL.certkeys: SSH_CERT_TYPE_USER, SSH_CERT_TYPE_HOST. */
const ROLES = { 1: 'user', 2: 'host' };
/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256;
/** PROTOCOL.certkeys: all ones in `valid before` means no end. */
const FOREVER = 0xffffffffffffffffn;
function isCertificateType(name) {
    return name.endsWith(_public_key__WEBPACK_IMPORTED_MODULE_1__/* .CERTIFICATE_SUFFIX */ .sF);
}
function certificateType(type) {
    return `${type}${_public_key__WEBPACK_IMPORTED_MODULE_1__/* .CERTIFICATE_SUFFIX */ .sF}`;
}
/**
 * The kind of a key, or certificate, in wire format.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
function kindOfKey(blob) {
    const name = (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .typeOfBlob */ .JX)(blob);
    const certified = isCertificateType(name);
    const type = certified ? name.slice(0, -_public_key__WEBPACK_IMPORTED_MODULE_1__/* .CERTIFICATE_SUFFIX */ .sF.length) : name;
    if (!(0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .isKeyType */ .Cy)(type))
        throw (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .unsupportedType */ .iO)(name);
    return { type, certified };
}
/** The certificate (wire format) on a line as `*-cert.pub` files have it; undefined for other lines. */
function certificateOnLine(line) {
    const [type = '', base64 = ''] = line.trim().split(/[ \t]+/);
    return isCertificateType(type) ? Buffer.from(base64, 'base64') : undefined;
}
/** The plain key (wire format) of `blob`: the certified one if it is a certificate, else itself. */
function plainKey(blob) {
    if (!isCertificateType((0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .typeOfBlob */ .JX)(blob)))
        return blob;
    return readCertifiedKey(new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(blob), blob).key;
}
function readCertifiedKey(reader, blob) {
    const { type: keyType, certified } = kindOfKey(blob);
    const name = reader.text(64);
    if (!certified)
        throw (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .unsupportedType */ .iO)(name);
    reader.string(1024); // nonce
    const start = reader.offset;
    (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .readPublicParts */ .eZ)(keyType, reader);
    return { keyType, key: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_3__/* .string */ .Yj)(keyType), blob.subarray(start, reader.offset)]) };
}
/** @throws TrustError `malformed`, `key-type-unsupported` */
function parseCertificate(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(blob);
    const { keyType, key } = readCertifiedKey(reader, blob);
    const serial = reader.uint64();
    const roleNumber = reader.uint32();
    const role = ROLES[roleNumber];
    if (role === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `A certificate of the unknown type ${roleNumber}.`);
    }
    const keyId = reader.text(4096);
    const principals = strings(reader.string());
    if (principals.length > MAX_PRINCIPALS) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `A certificate with ${principals.length} principals.`);
    }
    const validAfter = reader.uint64();
    const validBefore = reader.uint64();
    const criticalOptions = optionNames(reader.string());
    const extensions = optionNames(reader.string());
    reader.string(); // reserved
    const authority = reader.string();
    const signed = blob.subarray(0, reader.offset);
    const signature = reader.string();
    reader.end('a certificate');
    return {
        keyType,
        key,
        role,
        serial,
        keyId,
        principals,
        validAfter,
        validBefore,
        criticalOptions,
        extensions,
        authority,
        signed,
        signature,
    };
}
/**
 * Whether the authority that a certificate names has signed it.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
function isSigned({ authority, signature, signed }) {
    return (0,_signature__WEBPACK_IMPORTED_MODULE_2__/* .verifySignature */ .Od)(authority, signature, signed);
}
function strings(list) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(list);
    const texts = [];
    while (reader.remaining > 0)
        texts.push(reader.text());
    return texts;
}
/** Names of the options of a list of (name, data) pairs. */
function optionNames(list) {
    return strings(list).filter((_, index) => index % 2 === 0);
}
/**
 * Why a host certificate does not stand for `hostname` under one of `authorities` (keys in wire
 * format) at `now` (seconds since 1970), in words; undefined where it does.
 */
function hostCertificateDefect(certificate, hostname, authorities, now) {
    if (!authorities.some((key) => key.equals(certificate.authority))) {
        return 'it is signed by an authority that is not pinned';
    }
    if (!isSigned(certificate))
        return "the authority's signature is not valid";
    if (certificate.role !== 'host')
        return 'it is a user certificate, not a host certificate';
    const outOfTime = validityDefect(certificate, now);
    if (outOfTime !== undefined)
        return `it ${outOfTime}`;
    if (certificate.principals.length === 0)
        return 'it names no principals';
    const name = hostname.toLowerCase();
    if (!certificate.principals.some((pattern) => (0,_pattern__WEBPACK_IMPORTED_MODULE_4__/* .matchPattern */ .g)(name, pattern))) {
        return `it is for ${certificate.principals.join(', ')}, not for ${name}`;
    }
    if (certificate.criticalOptions.length > 0) {
        return `it has critical options that are not known: ${certificate.criticalOptions.join(', ')}`;
    }
    return undefined;
}
/** Why a certificate is not valid at `now` (seconds since 1970), in words; undefined where it is. */
function validityDefect({ validAfter, validBefore }, now) {
    const time = BigInt(Math.floor(now));
    if (time < validAfter)
        return `is valid only from ${isoTime(validAfter)}`;
    return time >= validBefore ? `expired at ${isoTime(validBefore)}` : undefined;
}
/** A certificate's time (seconds since 1970), to be read. */
function isoTime(seconds) {
    // ECMAScript's largest time; a certificate's can lie far beyond it.
    const milliseconds = Number(seconds) * 1000;
    return milliseconds > 8.64e15 ? 'the far future' : new Date(milliseconds).toISOString();
}


/***/ }),

/***/ 707:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Qb: () => (/* binding */ hostKeyAlgorithms),
/* harmony export */   k_: () => (/* binding */ parseKexInit),
/* harmony export */   lJ: () => (/* binding */ SSH_MSG_KEXDH_REPLY),
/* harmony export */   mz: () => (/* binding */ startExchange),
/* harmony export */   p6: () => (/* binding */ kexInit)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _certificate__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(5921);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(6119);
/* harmony import */ var _signature__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(5636);
/* harmony import */ var _transport__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(7963);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(3529);
/**
 * As much of the SSH key exchange as proves a host key: negotiation (RFC 4253 §7), the exchange and
 * its hash (RFC 4253 §8, RFC 5656 §4, RFC 8268, RFC 8731), and the server's signature over that hash.
 * Until that signature is verified here a host key is nothing but a claim.
 *
 * Why our own: ssh2 can negotiate neither host certificates nor post-quantum methods and hands a key
 * to its verifier before the signature is checked; ssh-keyscan never checks it at all.
 */







/** RFC 4253 §8, RFC 5656 §4: the same numbers for DH and ECDH. */
const SSH_MSG_KEXDH_INIT = 30;
const SSH_MSG_KEXDH_REPLY = 31;
/** The host key algorithms for a key type; RFC 8332 gives RSA two. `certified` for certificates. */
function hostKeyAlgorithms(type, certified = false) {
    const plain = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
    return certified ? plain.map((name) => `${name}${_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF}`) : plain;
}
/** The key type (wire format name) that a host key algorithm stands for. */
function algorithmKeyType(algorithm) {
    return algorithm.replace(/^rsa-sha2-(256|512)/, 'ssh-rsa');
}
function x25519() {
    const pair = node_crypto__WEBPACK_IMPORTED_MODULE_0__.generateKeyPairSync('x25519');
    const raw = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    return {
        publicKey: raw,
        derive: (server) => {
            const jwk = { kty: 'OKP', crv: 'X25519', x: server.toString('base64url') };
            const publicKey = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey({ key: jwk, format: 'jwk' });
            return node_crypto__WEBPACK_IMPORTED_MODULE_0__.diffieHellman({ privateKey: pair.privateKey, publicKey });
        },
    };
}
const curve25519 = {
    hash: 'sha256',
    start: () => {
        const { publicKey, derive } = x25519();
        return { publicValue: (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(publicKey), secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(derive(server)) };
    },
    readServerValue: (reader) => reader.string(32),
};
function ecdh(curve, hash) {
    return {
        hash,
        start: () => {
            const exchange = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createECDH(curve);
            const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(exchange.generateKeys());
            return { publicValue, secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.computeSecret(server)) };
        },
        readServerValue: (reader) => reader.string(1 + 2 * 66),
    };
}
function dh(group, hash) {
    return {
        hash,
        start: () => {
            const exchange = node_crypto__WEBPACK_IMPORTED_MODULE_0__.getDiffieHellman(group);
            const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.generateKeys());
            return { publicValue, secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.computeSecret(server)) };
        },
        readServerValue: (reader) => reader.mpint(1025),
    };
}
/** `crypto.decapsulate` came with Node 24.7; the types of Node 20 do not know it. */
const decapsulate = node_crypto__WEBPACK_IMPORTED_MODULE_0__.decapsulate;
/** draft-ietf-sshm-mlkem-hybrid-kex: ML-KEM-768's public key and ciphertext, FIPS 203 §8, in bytes. */
const MLKEM_PUBLIC = 1184;
const MLKEM_CIPHERTEXT = 1088;
const mlkem768x25519 = {
    hash: 'sha256',
    start: () => {
        const pair = node_crypto__WEBPACK_IMPORTED_MODULE_0__.generateKeyPairSync('ml-kem-768');
        const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
        const classic = x25519();
        const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(Buffer.concat([spki.subarray(-MLKEM_PUBLIC), classic.publicKey]));
        const secret = (server) => {
            if (decapsulate === undefined || server.length !== MLKEM_CIPHERTEXT + 32) {
                throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', 'The reply is not one of mlkem768x25519-sha256.');
            }
            const quantum = decapsulate(pair.privateKey, server.subarray(0, MLKEM_CIPHERTEXT));
            const both = Buffer.concat([quantum, classic.derive(server.subarray(MLKEM_CIPHERTEXT))]);
            return (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash('sha256').update(both).digest());
        };
        return { publicValue, secret };
    },
    readServerValue: (reader) => reader.string(MLKEM_CIPHERTEXT + 32),
};
/**
 * In the order in which they are asked for. The proof needs no secrecy, only the signature, so the
 * cheap methods come first and the post-quantum one is for servers that offer nothing else.
 */
const METHODS = new Map([
    ['curve25519-sha256', curve25519],
    ['curve25519-sha256@libssh.org', curve25519],
    ['ecdh-sha2-nistp256', ecdh('prime256v1', 'sha256')],
    ['ecdh-sha2-nistp384', ecdh('secp384r1', 'sha384')],
    ['ecdh-sha2-nistp521', ecdh('secp521r1', 'sha512')],
    ['diffie-hellman-group14-sha256', dh('modp14', 'sha256')],
    ['diffie-hellman-group16-sha512', dh('modp16', 'sha512')],
    ['diffie-hellman-group18-sha512', dh('modp18', 'sha512')],
    ...(decapsulate === undefined
        ? []
        : [['mlkem768x25519-sha256', mlkem768x25519]]),
]);
/** What ssh2 and OpenSSH offer; never used, since the connection ends before encryption starts. */
const CIPHERS = [
    'chacha20-poly1305@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'aes256-ctr',
    'aes128-ctr',
];
const MACS = [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
];
/** Our SSH_MSG_KEXINIT (RFC 4253 §7.1). */
function kexInit(hostKeys) {
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .byte */ .PE)(_transport__WEBPACK_IMPORTED_MODULE_5__/* .SSH_MSG_KEXINIT */ .wU),
        node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes(16),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD)([...METHODS.keys()]),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD)(hostKeys),
        ...[CIPHERS, CIPHERS, MACS, MACS, ['none'], ['none'], [], []].map(_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .boolean */ .zM)(false),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .uint32 */ .S8)(0),
    ]);
}
function parseKexInit(payload) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_6__/* .Reader */ .mP(payload);
    reader.byte();
    reader.bytes(16);
    const methods = reader.nameList();
    const hostKeys = reader.nameList();
    for (let list = 0; list < 8; list += 1)
        reader.string();
    const firstPacketFollows = reader.boolean();
    return { methods, hostKeys, firstPacketFollows };
}
/**
 * Negotiates, and makes our half.
 *
 * @param hostKeys what our KEXINIT asked for
 * @throws TrustError `host-no-common-algorithm`, `host-key-type-absent`
 */
function startExchange(versions, ourInit, serverInit, hostKeys) {
    const server = parseKexInit(serverInit);
    const name = [...METHODS.keys()].find((method) => server.methods.includes(method));
    const method = name === undefined ? undefined : METHODS.get(name);
    if (method === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-no-common-algorithm', `There is no key exchange method in common: the server offers ${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printableList */ .Sk)(server.methods)}.`, {
            hint: `Enable one of these on the server (KexAlgorithms in sshd_config): ${[...METHODS.keys()].join(', ')}.`,
        });
    }
    const hostKeyAlgorithm = hostKeys.find((algorithm) => server.hostKeys.includes(algorithm));
    if (hostKeyAlgorithm === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-key-type-absent', `The server has no host key of the kind asked for: it offers ${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printableList */ .Sk)(server.hostKeys)}.`, {
            hint: `Asked for were ${hostKeys.join(', ')}.`,
        });
    }
    // RFC 4253 §7: right only if the first choices of both sides agree.
    const [firstMethod] = METHODS.keys();
    const guessRight = server.methods[0] === firstMethod && server.hostKeys[0] === hostKeys[0];
    const half = method.start();
    return {
        init: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .byte */ .PE)(SSH_MSG_KEXDH_INIT), half.publicValue]),
        ignoreNext: server.firstPacketFollows && !guessRight,
        hostKeyAlgorithm,
        finish: (reply) => {
            const { hostKey, publicValue, serverValue, signature } = readReply(reply, method);
            let secret;
            try {
                secret = half.secret(serverValue);
            }
            catch (cause) {
                throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-protocol', "The server's half of the key exchange is not valid.", { cause });
            }
            const hash = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash(method.hash);
            for (const text of [versions.client, versions.server]) {
                hash.update((0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(Buffer.from(text, 'latin1'))); // the very bytes, whatever they mean
            }
            for (const payload of [ourInit, serverInit, hostKey])
                hash.update((0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(payload));
            hash.update(half.publicValue).update(publicValue).update(secret);
            requireProof(hostKeyAlgorithm, hostKey, signature, hash.digest());
            return hostKey;
        },
    };
}
function readReply(reply, method) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_6__/* .Reader */ .mP(reply);
    reader.byte();
    const hostKey = Buffer.from(reader.string());
    const start = reader.offset;
    const serverValue = method.readServerValue(reader);
    const publicValue = reply.subarray(start, reader.offset);
    const signature = reader.string(8192);
    reader.end('the key exchange reply');
    return { hostKey, publicValue, serverValue, signature };
}
function requireProof(algorithm, hostKey, signature, hash) {
    const type = (0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .typeOfBlob */ .JX)(hostKey);
    const expected = algorithm.endsWith(_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF)
        ? algorithm.slice(0, -_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF.length)
        : algorithm;
    if (type === algorithmKeyType(algorithm) &&
        (0,_signature__WEBPACK_IMPORTED_MODULE_4__/* .signatureAlgorithm */ .wO)(signature) === expected &&
        (0,_signature__WEBPACK_IMPORTED_MODULE_4__/* .verifySignature */ .Od)((0,_certificate__WEBPACK_IMPORTED_MODULE_2__/* .plainKey */ .y7)(hostKey), signature, hash)) {
        return;
    }
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-key-unproven', `The server showed a host key (${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printable */ .g$)((0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .displayType */ .x)(type))}) but did not prove that it holds it.`, {
        hint: 'Somebody may stand between this machine and the server. Do not go on.',
    });
}


/***/ }),

/***/ 2979:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AA: () => (/* binding */ formatKnownHostsLine),
/* harmony export */   YJ: () => (/* binding */ matchKnownHostsNames),
/* harmony export */   on: () => (/* binding */ knownHostsName)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _pattern__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(2368);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6119);
/** Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */



/** The name under which ssh looks a host up: `host`, or `[host]:port` for any port but 22. */
function knownHostsName(host, port) {
    const name = host.toLowerCase();
    return port === 22 ? name : `[${name}]:${port}`;
}
/** One line, with its newline. `marker` as known_hosts has it. */
function formatKnownHostsLine(names, key, marker) {
    const line = `${names.join(',')} ${(0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .formatPublicKey */ .et)(key)}\n`;
    return marker === undefined ? line : `${marker} ${line}`;
}
/**
 * Whether the names of a line (patterns, or one hashed name: ssh_config(5), HashKnownHosts) are for a
 * host, and whether that is by its very name.
 *
 * @param name as `knownHostsName` gives it
 */
function matchKnownHostsNames(names, name) {
    const [, salt, hash] = /^\|1\|([^|]*)\|(.*)$/.exec(names) ?? [];
    if (salt !== undefined && hash !== undefined) {
        const made = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHmac)('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64');
        return made === hash ? 'exact' : undefined;
    }
    const list = names.toLowerCase().split(',');
    const hits = list.filter((pattern) => (0,_pattern__WEBPACK_IMPORTED_MODULE_2__/* .matchPattern */ .g)(name, pattern.replace(/^!/, '')));
    if (hits.length === 0 || hits.some((pattern) => pattern.startsWith('!')))
        return undefined;
    return hits.every((pattern) => pattern === name) ? 'exact' : 'pattern';
}


/***/ }),

/***/ 2368:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   g: () => (/* binding */ matchPattern)
/* harmony export */ });
/** Patterns of ssh_config(5): `*` is any run of characters, `?` exactly one. */
/** Whether all of `text` matches `pattern`. Linear in memory, no backtracking beyond the last `*`. */
function matchPattern(text, pattern) {
    let t = 0;
    let p = 0;
    let star = -1;
    let mark = 0;
    while (t < text.length) {
        if (p < pattern.length &&
            (pattern[p] === '?' || (pattern[p] !== '*' && pattern[p] === text[t]))) {
            t += 1;
            p += 1;
        }
        else if (pattern[p] === '*') {
            star = p;
            mark = t;
            p += 1;
        }
        else if (star >= 0) {
            mark += 1;
            t = mark;
            p = star + 1;
        }
        else {
            return false;
        }
    }
    while (pattern[p] === '*')
        p += 1;
    return p === pattern.length;
}


/***/ }),

/***/ 8933:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   CU: () => (/* binding */ pinFingerprint),
/* harmony export */   N3: () => (/* binding */ parsePin),
/* harmony export */   Tx: () => (/* binding */ judgeHostKey),
/* harmony export */   fH: () => (/* binding */ formatPin)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _certificate__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(5921);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6119);
/**
 * Pins: what a job says beforehand about a host's key, and the one judgement of a proven host key
 * against them. The setup, the agent and the command line all judge with this function.
 */



/**
 * Judges a host key (wire format; a certificate, too) that `hostname` has proven to hold.
 *
 * @param now seconds since 1970, for the validity of certificates
 * @throws TrustError `malformed` where it does not even begin as a key
 */
function judgeHostKey(pins, hostname, hostKey, now) {
    if (!(0,_certificate__WEBPACK_IMPORTED_MODULE_1__/* .isCertificateType */ .qu)((0,_public_key__WEBPACK_IMPORTED_MODULE_2__/* .typeOfBlob */ .JX)(hostKey)))
        return judgePlainKey(pins, hostKey);
    let certificate;
    try {
        certificate = (0,_certificate__WEBPACK_IMPORTED_MODULE_1__/* .parseCertificate */ .hB)(hostKey);
    }
    catch (error) {
        return { verdict: 'changed', defect: (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)(error) };
    }
    const revoked = pins.find((pin) => pin.kind === 'revoked' &&
        [certificate.key, certificate.authority].some((key) => key.equals(pin.key.blob)));
    if (revoked !== undefined)
        return { verdict: 'revoked', pin: revoked };
    const authorities = pins.filter((pin) => pin.kind === 'cert-authority');
    const keys = authorities.map((pin) => pin.key.blob);
    const defect = (0,_certificate__WEBPACK_IMPORTED_MODULE_1__/* .hostCertificateDefect */ .Nv)(certificate, hostname, keys, now);
    const pin = authorities.find(({ key }) => key.blob.equals(certificate.authority));
    if (defect === undefined && pin !== undefined)
        return { verdict: 'ok', pin };
    // A pin of the plain key holds whatever certificate the key wears.
    const plain = judgePlainKey(pins, certificate.key);
    if (plain.verdict === 'ok' || defect === undefined)
        return plain;
    return { verdict: 'changed', defect };
}
function judgePlainKey(pins, hostKey) {
    const revoked = pins.find((pin) => pin.kind === 'revoked' && pin.key.blob.equals(hostKey));
    if (revoked !== undefined)
        return { verdict: 'revoked', pin: revoked };
    const offered = (0,_public_key__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(hostKey);
    const pin = pins.find((pin) => (pin.kind === 'key' && pin.key.blob.equals(hostKey)) ||
        (pin.kind === 'fingerprint' && pin.fingerprint === offered));
    return pin === undefined ? { verdict: 'changed' } : { verdict: 'ok', pin };
}
/** A pin as the `hosts` input takes it. */
function formatPin(pin) {
    if (pin.kind === 'fingerprint')
        return pin.fingerprint;
    const key = (0,_public_key__WEBPACK_IMPORTED_MODULE_2__/* .formatPublicKey */ .et)(pin.key.blob);
    return pin.kind === 'key' ? key : `@${pin.kind} ${key}`;
}
/** The fingerprint by which a pin is told in messages. */
function pinFingerprint(pin) {
    return pin.kind === 'fingerprint' ? pin.fingerprint : (0,_public_key__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(pin.key.blob);
}
/**
 * A pin from `SHA256:…`, `ssh-ed25519 AAAA…`, `@cert-authority ssh-ed25519 AAAA…` or
 * `@revoked ssh-ed25519 AAAA…`.
 *
 * @throws TrustError `hosts-pin-invalid`, `hosts-pin-md5`, `key-type-unsupported`, `key-too-small`,
 *   `malformed`
 */
function parsePin(text) {
    if (/^(MD5:|([0-9a-f]{2}:){15})/i.test(text)) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-pin-md5', `${text} is an MD5 fingerprint, which is no proof: two keys with one MD5 can be made.`, {
            hint: 'Use the SHA256 fingerprint: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the server prints it.',
        });
    }
    if (/^SHA256:/i.test(text)) {
        // A SHA-256 has 32 bytes: 43 base64 characters, the last of which carries four bits.
        const digest = /^SHA256:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/.exec(text)?.[1];
        if (digest === undefined) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-pin-invalid', `${text} is not a whole SHA256 fingerprint (43 characters after SHA256:).`, {
                hint: 'Copy it again; ssh-keygen -lf prints it as SHA256:….',
            });
        }
        return { kind: 'fingerprint', fingerprint: `SHA256:${digest}` };
    }
    const [, marker, key = ''] = /^(?:@(cert-authority|revoked)[ \t]+)?(.*)$/.exec(text) ?? [];
    const parsed = (0,_public_key__WEBPACK_IMPORTED_MODULE_2__/* .parsePublicKey */ .ee)(key);
    return { kind: marker === 'cert-authority' || marker === 'revoked' ? marker : 'key', key: parsed };
}


/***/ }),

/***/ 6119:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Bo: () => (/* binding */ rsaBits),
/* harmony export */   Cy: () => (/* binding */ isKeyType),
/* harmony export */   F2: () => (/* binding */ decodePublicKey),
/* harmony export */   H1: () => (/* binding */ CURVES),
/* harmony export */   H3: () => (/* binding */ encodePublicKey),
/* harmony export */   Hm: () => (/* binding */ MIN_RSA_BITS),
/* harmony export */   JX: () => (/* binding */ typeOfBlob),
/* harmony export */   NT: () => (/* binding */ isEcdsa),
/* harmony export */   Rj: () => (/* binding */ fingerprint),
/* harmony export */   T9: () => (/* binding */ MAX_RSA_BITS),
/* harmony export */   Tm: () => (/* binding */ requireRsaSize),
/* harmony export */   WJ: () => (/* binding */ KEY_TYPES),
/* harmony export */   eZ: () => (/* binding */ readPublicParts),
/* harmony export */   ee: () => (/* binding */ parsePublicKey),
/* harmony export */   et: () => (/* binding */ formatPublicKey),
/* harmony export */   iO: () => (/* binding */ unsupportedType),
/* harmony export */   sF: () => (/* binding */ CERTIFICATE_SUFFIX),
/* harmony export */   x: () => (/* binding */ displayType)
/* harmony export */ });
/* unused harmony export keyBits */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/**
 * Public keys: the wire format (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4), the one-line text of
 * authorized_keys and known_hosts, and fingerprints as `ssh-keygen -l` prints them.
 */



/** The key types that are taken, in the order in which a server is asked for them. */
const KEY_TYPES = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'ssh-rsa',
];
/** What the type of a certificate, and a host key algorithm for one, ends with (PROTOCOL.certkeys). */
const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';
/** Names of the elliptic curves: RFC 5656 §10.1, JWK, bytes of a coordinate, digest (RFC 5656 §6.2.1). */
const CURVES = {
    'ecdsa-sha2-nistp256': { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' },
    'ecdsa-sha2-nistp384': { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' },
    'ecdsa-sha2-nistp521': { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' },
};
/** Smallest RSA modulus that is accepted, in bits: OpenSSH's RequiredRSASize is 1024, NIST's floor is this. */
const MIN_RSA_BITS = 2048;
/** Largest, as OpenSSH's OPENSSL_RSA_MAX_MODULUS_BITS: bounds the time of one verification. */
const MAX_RSA_BITS = 16384;
function isKeyType(name) {
    return KEY_TYPES.includes(name);
}
function isEcdsa(type) {
    return type in CURVES;
}
/** What a key of type `name` is called by `ssh-keygen -l`: `ED25519`, `ECDSA`, `RSA`; `…-CERT` for certificates. */
function displayType(name) {
    const certified = name.endsWith(CERTIFICATE_SUFFIX);
    const plain = certified ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name;
    const cert = certified ? '-CERT' : '';
    if (plain === 'ssh-ed25519')
        return `ED25519${cert}`;
    if (plain.startsWith('ecdsa-sha2-'))
        return `ECDSA${cert}`;
    if (plain === 'ssh-rsa' || plain.startsWith('rsa-sha2-'))
        return `RSA${cert}`;
    if (plain === 'ssh-dss')
        return `DSA${cert}`;
    return `${plain}${cert}`;
}
/** SHA-256 fingerprint of a key in wire format, as OpenSSH prints it: `SHA256:` and unpadded base64. */
function fingerprint(blob) {
    return `SHA256:${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
/** The type name that a key in wire format begins with. Does not look further. */
function typeOfBlob(blob) {
    return new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob).text(64);
}
/** The public parts of a key, as JWK names them, read from where `type` has just been read. */
function readPublicParts(type, reader) {
    if (type === 'ssh-ed25519') {
        const x = reader.string(32);
        if (x.length !== 32)
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', 'An ed25519 public key has 32 bytes.');
        return { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
    }
    if (isEcdsa(type)) {
        const curve = CURVES[type];
        const name = reader.text(32);
        const point = reader.string(1 + 2 * 66);
        if (name !== curve.name) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A key of type ${type} names the curve ${name}.`);
        }
        // SEC 1 §2.3.3: 04 says that both coordinates follow, uncompressed (RFC 5656 §3.1).
        if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A key of type ${type} has a malformed point.`);
        }
        return {
            kty: 'EC',
            crv: curve.jwk,
            x: point.subarray(1, 1 + curve.bytes).toString('base64url'),
            y: point.subarray(1 + curve.bytes).toString('base64url'),
        };
    }
    const e = reader.mpint(9);
    const n = reader.mpint(MAX_RSA_BITS / 8 + 1);
    return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
}
/**
 * A public key from its wire format, for verifying.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
function decodePublicKey(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob);
    const type = reader.text(64);
    if (!isKeyType(type))
        throw unsupportedType(type);
    const parts = readPublicParts(type, reader);
    reader.end('a public key');
    try {
        return { type, key: (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey)({ key: parts, format: 'jwk' }) };
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A public key of type ${type} that is not valid.`, { cause });
    }
}
function unsupportedType(type) {
    if (type === 'ssh-dss') {
        return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-type-unsupported', 'DSA keys are not accepted.', {
            hint: 'DSA is limited to 1024 bits and SHA-1, and OpenSSH 10 removed it. Make an ed25519 key: ssh-keygen -t ed25519.',
        });
    }
    return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-type-unsupported', `Keys of type ${JSON.stringify(type)} are not supported.`, {
        hint: `Supported are ${KEY_TYPES.join(', ')}.`,
    });
}
/** Modulus length of an RSA key in wire format, in bits. */
function rsaBits(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob);
    reader.string(64);
    reader.mpint(9);
    const n = reader.mpint(MAX_RSA_BITS / 8 + 1);
    return n.length === 0 ? 0 : n.length * 8 - (Math.clz32(n[0] ?? 0) - 24);
}
/** Size of a plain key (wire format) as ssh-keygen -l tells it, in bits. */
function keyBits(blob) {
    const { type } = decodePublicKey(blob);
    if (type === 'ssh-rsa')
        return rsaBits(blob);
    // The digits of a curve's name are its size.
    return isEcdsa(type) ? Number(CURVES[type].name.replace('nistp', '')) : 256;
}
/**
 * A key from `type base64 [comment]`. The type of the text and the type inside must agree, and the
 * key must be whole.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `malformed`
 */
function parsePublicKey(text) {
    const [type = '', base64 = '', ...comment] = text.trim().split(/[ \t]+/);
    if (!isKeyType(type))
        throw unsupportedType(type);
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `The key after ${type} is not base64.`);
    }
    const blob = Buffer.from(base64, 'base64');
    const inner = decodePublicKey(blob).type;
    if (inner !== type) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `The line says ${type}, the key itself ${inner}.`);
    }
    if (type === 'ssh-rsa')
        requireRsaSize(blob);
    return { type, blob, comment: comment.join(' ') };
}
/** Throws `key-too-small` for an RSA key under `MIN_RSA_BITS`. */
function requireRsaSize(blob) {
    const bits = rsaBits(blob);
    if (bits >= MIN_RSA_BITS)
        return;
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-too-small', `An RSA key of ${bits} bits is too small: ${MIN_RSA_BITS} are the least.`, {
        hint: 'Make an ed25519 key: ssh-keygen -t ed25519 (or ssh-keygen -t rsa -b 3072).',
    });
}
/** `type base64[ comment]`, as in authorized_keys and `*.pub` files. Takes certificates too. */
function formatPublicKey(blob, comment = '') {
    const line = `${typeOfBlob(blob)} ${blob.toString('base64')}`;
    return comment === '' ? line : `${line} ${comment}`;
}
/** The wire format of a public key. */
function encodePublicKey(key) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    if (jwk.crv === 'Ed25519') {
        return { type: 'ssh-ed25519', blob: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)('ssh-ed25519'), (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(part('x'))]) };
    }
    if (jwk.kty === 'RSA') {
        const blob = Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)('ssh-rsa'), (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .mpint */ .lW)(part('e')), (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .mpint */ .lW)(part('n'))]);
        return { type: 'ssh-rsa', blob };
    }
    const type = KEY_TYPES.find((name) => isEcdsa(name) && CURVES[name].jwk === jwk.crv);
    if (type === undefined || !isEcdsa(type)) {
        throw unsupportedType(jwk.crv ?? jwk.kty ?? key.asymmetricKeyType ?? 'unknown');
    }
    const point = Buffer.concat([Buffer.of(4), part('x'), part('y')]);
    return { type, blob: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(type), (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(CURVES[type].name), (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(point)]) };
}


/***/ }),

/***/ 5636:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Bn: () => (/* binding */ makeSignature),
/* harmony export */   Od: () => (/* binding */ verifySignature),
/* harmony export */   wO: () => (/* binding */ signatureAlgorithm)
/* harmony export */ });
/* unused harmony export makeRsaSignature */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_util__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(7975);
/* harmony import */ var node_util__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_util__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3916);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(6119);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(3529);
/**
 * Signatures in the SSH format: `string algorithm, string blob` (RFC 4253 §6.6, RFC 5656 §3.1.2,
 * RFC 8332 §3, RFC 8709 §6). SHA-1 (`ssh-rsa` as a signature algorithm) is neither made nor accepted.
 */





/** RFC 8332 §3. */
const RSA_ALGORITHMS = { sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' };
/** Signs `data`; `rsaHash` is looked at for RSA keys alone. */
function makeSignature(type, key, data, rsaHash) {
    if (type === 'ssh-ed25519') {
        return Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)(type), (0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)((0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign)(null, data, key))]);
    }
    if ((0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .isEcdsa */ .NT)(type)) {
        const curve = _public_key__WEBPACK_IMPORTED_MODULE_3__/* .CURVES */ .H1[type];
        const raw = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
        const r = (0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .mpint */ .lW)(raw.subarray(0, curve.bytes));
        const s = (0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .mpint */ .lW)(raw.subarray(curve.bytes));
        return Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)(type), (0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)(Buffer.concat([r, s]))]);
    }
    return Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)(RSA_ALGORITHMS[rsaHash]), (0,_wire__WEBPACK_IMPORTED_MODULE_4__/* .string */ .Yj)((0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign)(rsaHash, data, key))]);
}
/** An RSA signature made by a thread of its own: it takes as long as dozens of the other kinds. */
async function makeRsaSignature(key, data, hash) {
    const blob = await signInThread(hash, data, key);
    return Buffer.concat([string(RSA_ALGORITHMS[hash]), string(blob)]);
}
const signInThread = (0,node_util__WEBPACK_IMPORTED_MODULE_1__.promisify)(node_crypto__WEBPACK_IMPORTED_MODULE_0__.sign);
/** Name of the algorithm of a signature. */
function signatureAlgorithm(signature) {
    return new _wire__WEBPACK_IMPORTED_MODULE_4__/* .Reader */ .mP(signature).text(64);
}
/**
 * Whether `signature` is one over `data` by the plain key `blob`. False, too, for SHA-1 and for an
 * algorithm that is not the key's.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
function verifySignature(blob, signature, data) {
    const { type, key } = (0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .decodePublicKey */ .F2)(blob);
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_4__/* .Reader */ .mP(signature);
    const algorithm = reader.text(64);
    const bytes = reader.string(4096);
    reader.end('a signature');
    if (type === 'ssh-ed25519')
        return algorithm === type && (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.verify)(null, data, key, bytes);
    if ((0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .isEcdsa */ .NT)(type)) {
        if (algorithm !== type)
            return false;
        const curve = _public_key__WEBPACK_IMPORTED_MODULE_3__/* .CURVES */ .H1[type];
        const parts = new _wire__WEBPACK_IMPORTED_MODULE_4__/* .Reader */ .mP(bytes);
        const raw = Buffer.concat([
            leftPad(parts.mpint(), curve.bytes),
            leftPad(parts.mpint(), curve.bytes),
        ]);
        parts.end('an ECDSA signature');
        return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.verify)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, raw);
    }
    const hash = algorithm === 'rsa-sha2-256' ? 'sha256' : algorithm === 'rsa-sha2-512' ? 'sha512' : undefined;
    // RFC 8017 §8.2.2 wants the length of the modulus; some peers strip leading zeros, as OpenSSH allows.
    return hash !== undefined && (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.verify)(hash, data, key, leftPad(bytes, Math.ceil((0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .rsaBits */ .Bo)(blob) / 8)));
}
function leftPad(number, length) {
    if (number.length > length) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('malformed', 'A signature with a number that is too large.');
    }
    return Buffer.concat([Buffer.alloc(length - number.length), number]);
}


/***/ }),

/***/ 7963:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   CV: () => (/* binding */ SSH_MSG_IGNORE),
/* harmony export */   MG: () => (/* binding */ disconnectMessage),
/* harmony export */   OX: () => (/* binding */ SSH_MSG_DISCONNECT),
/* harmony export */   Py: () => (/* binding */ encodePacket),
/* harmony export */   Rk: () => (/* binding */ TransportReader),
/* harmony export */   Sk: () => (/* binding */ printableList),
/* harmony export */   g$: () => (/* binding */ printable),
/* harmony export */   lt: () => (/* binding */ disconnectReason),
/* harmony export */   wU: () => (/* binding */ SSH_MSG_KEXINIT),
/* harmony export */   zA: () => (/* binding */ SSH_MSG_DEBUG)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/**
 * The SSH transport protocol before encryption starts: version lines, packets, and the messages that
 * both sides may send at any time (RFC 4253 §4.2, §6, §11).
 */



/** RFC 4253 §12. */
const SSH_MSG_DISCONNECT = 1;
const SSH_MSG_IGNORE = 2;
const SSH_MSG_DEBUG = 4;
const SSH_MSG_KEXINIT = 20;
/** RFC 4253 §11.1: SSH_DISCONNECT_BY_APPLICATION. */
const BY_APPLICATION = 11;
/** RFC 4253 §6.1: the longest packet that everyone must take. */
const MAX_PACKET = 35000;
/** RFC 4253 §4.2 lets a server say something before its version; OpenSSH reads as many lines, of 8 KiB. */
const MAX_LINES_BEFORE_VERSION = 1024;
/** RFC 4253 §4.2: the version line with its CR LF. */
const MAX_VERSION = 255;
/** Bytes before the version line after which a server is not taken for an SSH server. */
const MAX_BEFORE_VERSION = 16 * 1024;
/** One unencrypted packet (RFC 4253 §6). */
function encodePacket(payload) {
    let padding = 8 - ((5 + payload.length) % 8);
    if (padding < 4)
        padding += 8;
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .uint32 */ .S8)(1 + payload.length + padding),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .byte */ .PE)(padding),
        payload,
        (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(padding),
    ]);
}
function disconnectMessage(description) {
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .byte */ .PE)(SSH_MSG_DISCONNECT),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .uint32 */ .S8)(BY_APPLICATION),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(description),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(''),
    ]);
}
/** What a server wrote, made fit to stand in a message: printable ASCII, not too much of it. */
function printable(text, longest = 100) {
    const clean = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
    return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}
/** The same of a list of names; longer than any honest server's. */
function printableList(names) {
    return printable(names.join(', '), 600);
}
/** Takes apart what a server sends, in whatever pieces it arrives. */
class TransportReader {
    #pending = Buffer.alloc(0);
    #lines = 0;
    #before = 0;
    /** The first line that came before the version, for messages. */
    firstLine;
    push(chunk) {
        this.#pending = Buffer.concat([this.#pending, chunk]);
    }
    /**
     * The server's version line without CR LF, once it is there.
     *
     * @throws TrustError `host-not-ssh`
     */
    version() {
        for (;;) {
            const end = this.#pending.indexOf(0x0a);
            const line = this.#pending.subarray(0, end < 0 ? undefined : end).toString('latin1');
            if (end < 0) {
                const versionBegun = 'SSH-'.startsWith(line.slice(0, 4));
                const bound = versionBegun ? MAX_VERSION : MAX_BEFORE_VERSION - this.#before;
                if (line.length > bound)
                    throw notSsh(this.firstLine ?? line);
                return undefined;
            }
            this.#pending = this.#pending.subarray(end + 1);
            const text = line.replace(/\r$/, '');
            if (text.startsWith('SSH-')) {
                // RFC 4253 §5.1: 1.99 is a server that speaks 2.0 and the older protocol.
                if (!/^SSH-(2\.0|1\.99)-/.test(text) || text.length > MAX_VERSION - 2)
                    throw notSsh(text);
                return text;
            }
            this.firstLine ??= text;
            this.#before += end + 1;
            this.#lines += 1;
            if (this.#lines > MAX_LINES_BEFORE_VERSION || this.#before > MAX_BEFORE_VERSION) {
                throw notSsh(this.firstLine);
            }
        }
    }
    /**
     * The payload of the next packet, once it is whole.
     *
     * @throws TrustError `host-protocol`
     */
    packet() {
        if (this.#pending.length < 5)
            return undefined;
        const length = this.#pending.readUInt32BE(0);
        const padding = this.#pending.readUInt8(4);
        if (length > MAX_PACKET || length < padding + 2) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-protocol', `The server sent a packet of impossible length (${length}).`);
        }
        if (this.#pending.length < 4 + length)
            return undefined;
        const payload = Buffer.from(this.#pending.subarray(5, 4 + length - padding));
        this.#pending = this.#pending.subarray(4 + length);
        return payload;
    }
}
function notSsh(line) {
    return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-not-ssh', `What answers there is not an SSH 2 server: it says "${printable(line)}".`, {
        hint: 'Check the host name and the port.',
    });
}
/** Reason of an SSH_MSG_DISCONNECT, for messages. */
function disconnectReason(payload) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(payload);
    reader.byte();
    reader.uint32();
    return printable(reader.text(1024));
}


/***/ }),

/***/ 3529:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   OD: () => (/* binding */ nameList),
/* harmony export */   PE: () => (/* binding */ byte),
/* harmony export */   S8: () => (/* binding */ uint32),
/* harmony export */   VV: () => (/* binding */ uint64),
/* harmony export */   Yj: () => (/* binding */ string),
/* harmony export */   lW: () => (/* binding */ mpint),
/* harmony export */   mP: () => (/* binding */ Reader),
/* harmony export */   zM: () => (/* binding */ boolean)
/* harmony export */ });
/* unused harmony export MAX_STRING */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/**
 * The data types of the SSH protocols (RFC 4251 §5), read and written. Everything that this project
 * reads in binary (keys, certificates, agent messages, key exchange) is read through `Reader`.
 */

/** Longest string that is read unless the caller allows more; OpenSSH's agent has the same bound. */
const MAX_STRING = 256 * 1024;
function malformed(what) {
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `Malformed SSH data: ${what}.`);
}
/** Reads one buffer from front to back. Whatever is short, long or out of bounds is a `malformed` error. */
class Reader {
    #buffer;
    #offset = 0;
    constructor(buffer) {
        this.#buffer = buffer;
    }
    get remaining() {
        return this.#buffer.length - this.#offset;
    }
    get offset() {
        return this.#offset;
    }
    /** The next `length` bytes, as a view (no copy). */
    bytes(length) {
        if (length > this.remaining) {
            throw malformed(`${length} bytes wanted, ${this.remaining} left`);
        }
        this.#offset += length;
        return this.#buffer.subarray(this.#offset - length, this.#offset);
    }
    byte() {
        return this.bytes(1).readUInt8();
    }
    boolean() {
        return this.byte() !== 0;
    }
    uint32() {
        return this.bytes(4).readUInt32BE();
    }
    uint64() {
        return this.bytes(8).readBigUInt64BE();
    }
    /** A `string`: a view of its bytes. */
    string(max = MAX_STRING) {
        const length = this.uint32();
        if (length > max)
            throw malformed(`a string of ${length} bytes, at most ${max} allowed`);
        return this.bytes(length);
    }
    /** A `string` that holds text (UTF-8). */
    text(max = MAX_STRING) {
        return this.string(max).toString('utf8');
    }
    /** A non-negative `mpint`: its magnitude, big-endian; leading zeros are dropped, as OpenSSH does. */
    mpint(maxBytes = 2049) {
        const bytes = this.string(maxBytes);
        if ((bytes[0] ?? 0) & 0x80)
            throw malformed('a negative number');
        return withoutLeadingZeros(bytes);
    }
    nameList(max = MAX_STRING) {
        const list = this.text(max);
        return list === '' ? [] : list.split(',');
    }
    /** All that is left, as a view. */
    rest() {
        return this.bytes(this.remaining);
    }
    /** Throws unless everything was read. */
    end(what) {
        if (this.remaining !== 0)
            throw malformed(`${this.remaining} bytes too many after ${what}`);
    }
}
function byte(value) {
    return Buffer.of(value);
}
function boolean(value) {
    return Buffer.of(value ? 1 : 0);
}
function uint32(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value);
    return buffer;
}
function uint64(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64BE(value);
    return buffer;
}
function string(value) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return Buffer.concat([uint32(bytes.length), bytes]);
}
/** `magnitude` (big-endian, unsigned) as an `mpint`. */
function mpint(magnitude) {
    const digits = withoutLeadingZeros(magnitude);
    return (digits[0] ?? 0) & 0x80 ? string(Buffer.concat([byte(0), digits])) : string(digits);
}
function withoutLeadingZeros(number) {
    let start = 0;
    while (number[start] === 0)
        start += 1;
    return number.subarray(start);
}
function nameList(names) {
    return string(names.join(','));
}


/***/ }),

/***/ 8632:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   ej: () => (/* binding */ logInWith),
/* harmony export */   es: () => (/* binding */ bootstrapHosts),
/* harmony export */   yr: () => (/* binding */ refusalAt)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _remote_each_of__WEBPACK_IMPORTED_MODULE_9__ = __nccwpck_require__(7435);
/* harmony import */ var _ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8962);
/* harmony import */ var _ssh_certificate__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(5921);
/* harmony import */ var _ssh_pin__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(8933);
/* harmony import */ var _ssh_public_key__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(6119);
/* harmony import */ var _expiry__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(415);
/* harmony import */ var _hosts__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(361);
/* harmony import */ var _job_login__WEBPACK_IMPORTED_MODULE_7__ = __nccwpck_require__(761);
/* harmony import */ var _revocation__WEBPACK_IMPORTED_MODULE_8__ = __nccwpck_require__(6792);










/** Hosts that are worked on at a time. */
const AT_ONCE = 16;
/** Milliseconds for the announcement of host keys, which comes while the key is added if at all. */
const ANNOUNCEMENT = 500;
/** Why lines were not let in. Their credentials are not told again: each failed login counts there. */
const refusals = new WeakMap();
/** @returns the error of a bootstrap whose login was refused */
function refusalAt(line) {
    return refusals.get(line);
}
/** @throws TrustError where a host failed and that is to fail the job; all hosts have been tried then */
async function bootstrapHosts(proven, job) {
    const hosts = proven.filter(({ line }) => job.config.credentials.has(line));
    const errors = [];
    const coming = new Map();
    const reports = await (0,_remote_each_of__WEBPACK_IMPORTED_MODULE_9__/* .eachOf */ .p)(hosts, AT_ONCE, async (host) => {
        try {
            const done = await bootstrapHost(host, job);
            coming.set(host.line, done.coming);
            return done.reports;
        }
        catch (error) {
            if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
                throw error;
            const about = error.about(host.line.position);
            if (error.code === 'login-refused')
                refusals.set(host.line, about);
            errors.push(about);
            return failures(host.line, keysFor(host.line, job.keys), about);
        }
    });
    if (errors.length > 0 && job.config.onFailure === 'fail')
        throw (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .combine */ .kg)(errors);
    return { grants: reports.flat(), coming };
}
function failures(line, keys, error) {
    return keys.map(({ blob }) => ({
        ...identity(line, blob),
        status: 'failed',
        notes: [],
        error: (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)(error),
    }));
}
/** Those that may be used there: `key=` of the line. */
function keysFor({ keys: wanted }, keys) {
    return keys.filter(({ blob, comment }) => wanted === undefined || wanted.includes(comment) || wanted.includes((0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(blob)));
}
function identity(line, key) {
    return { host: (0,_hosts__WEBPACK_IMPORTED_MODULE_6__/* .hostName */ .Sm)(line), user: line.user ?? '', key: (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(key) };
}
async function bootstrapHost({ line, result }, job) {
    const { listenForAnnouncedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(692)]).then(__nccwpck_require__.bind(__nccwpck_require__, 8692)); // ssh2 takes long to load
    const { config, timeout } = job;
    const keys = keysFor(line, job.keys);
    const destination = {
        host: line.host,
        port: line.port,
        user: line.user ?? '',
        hostKey: result.hostKey,
        timeout,
    };
    const { client } = await logInWith(destination, config.credentials.get(line) ?? []);
    const announced = listenForAnnouncedKeys(client);
    try {
        const { reports, granted } = await grant(client, line, destination, { ...job, keys });
        try {
            for (const key of keys)
                await prove(destination, key, job.agent);
        }
        catch (error) {
            // What no login proves, no login could take out later.
            for (const one of granted.toReversed()) {
                await (0,_revocation__WEBPACK_IMPORTED_MODULE_8__/* .removeGranted */ .O)(client, one);
                job.journal.append({ ...one, undone: true });
            }
            throw error;
        }
        const held = await announced.proven(ANNOUNCEMENT);
        const warnings = revokedKeys(line, held);
        for (const report of warnings.length === 0 ? [] : reports) {
            report.notes.push(...warnings);
            report.warnings = warnings;
        }
        return { reports, coming: comingKeys({ line, result }, held) };
    }
    finally {
        client.end();
    }
}
/** Those of `announced` that say something new: neither pinned, nor told as stale already. */
function comingKeys({ line, result }, announced) {
    // A certified host shows a new key with a certificate, and needs no new pin for it.
    if (result.pin.kind === 'cert-authority')
        return [];
    const told = result.stale.map((key) => (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)((0,_ssh_certificate__WEBPACK_IMPORTED_MODULE_2__/* .plainKey */ .y7)(key)));
    const now = Date.now() / 1000;
    return announced
        .filter((key) => (0,_ssh_pin__WEBPACK_IMPORTED_MODULE_3__/* .judgeHostKey */ .Tx)(line.pins, line.host, key, now).verdict === 'changed')
        .map((key) => ({ keyType: (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .displayType */ .x)((0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .typeOfBlob */ .JX)(key)), fingerprint: (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(key) }))
        .filter((key) => !told.includes(key.fingerprint));
}
/** Those of `held` that the line says to be revoked, in words: the server may yet come to use them. */
function revokedKeys(line, held) {
    const now = Date.now() / 1000;
    return held
        .filter((key) => (0,_ssh_pin__WEBPACK_IMPORTED_MODULE_3__/* .judgeHostKey */ .Tx)(line.pins, line.host, key, now).verdict === 'revoked')
        .map((key) => {
        const name = `${(0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .displayType */ .x)((0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .typeOfBlob */ .JX)(key))} ${(0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_4__/* .fingerprint */ .Rj)(key)}`;
        return `${(0,_hosts__WEBPACK_IMPORTED_MODULE_6__/* .hostName */ .Sm)(line)} still holds the host key ${name}, which is pinned as revoked. Remove it on the server.`;
    });
}
async function prove(destination, { blob }, agent) {
    try {
        const proof = await (0,_job_login__WEBPACK_IMPORTED_MODULE_7__/* .logInWithJobKey */ .Y)(destination, blob, agent);
        proof.end();
    }
    catch (cause) {
        throw notTaken(destination, cause);
    }
}
function notTaken({ user, host }, cause) {
    const message = `${host} does not let ${user} in with the key that it was just given: ${(0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)(cause)}`;
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('bootstrap-unproven', message, {
        hint: 'Does sshd read another file (AuthorizedKeysFile in sshd_config)? Name it with path= on the line. Does the account, or a Match block, forbid keys? The log of sshd says.',
        cause,
    });
}
/**
 * Logs in with the first of the credentials that is accepted. The caller ends the connection.
 *
 * @throws TrustError as `connectTo`
 */
async function logInWith(destination, credentials) {
    const { connectTo } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    const errors = [];
    let untried = [...credentials];
    let used;
    const onTry = (one) => {
        used = one;
        untried = untried.slice(untried.indexOf(one) + 1);
    };
    for (;;) {
        const before = untried.length;
        try {
            const client = await connectTo({ ...destination, credentials: untried, onTry });
            return { client, used };
        }
        catch (error) {
            if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
                throw error;
            errors.push(error);
            // A server that takes few tries (MaxAuthTries) has not seen all of them in one connection.
            const refused = ['login-refused', 'login-method-absent'].includes(error.code);
            if (!refused || untried.length === 0 || untried.length === before)
                throw (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .combine */ .kg)(errors);
        }
    }
}
async function grant(client, line, destination, { keys, config, journal }) {
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
    const expiry = await (0,_expiry__WEBPACK_IMPORTED_MODULE_5__/* .expiryFor */ .n)(client, (0,_hosts__WEBPACK_IMPORTED_MODULE_6__/* .hostName */ .Sm)(line), config);
    const options = [...config.options, ...(expiry.option === undefined ? [] : [expiry.option])];
    const lines = keys.map((key) => ({
        key,
        text: (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .formatAuthorizedKey */ .AY)({ options, blob: key.blob, comment: key.comment }),
    }));
    const present = new Set();
    let granted = [];
    const where = {
        user: destination.user,
        ...(line.path === undefined ? {} : { path: line.path }),
    };
    const edited = await editAuthorizedKeys(client, where, (content, missing) => {
        granted = [];
        let changed = content;
        for (const { key, text } of lines) {
            const addition = (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .addAuthorizedKey */ .GW)(changed, text);
            if (addition.status === 'present') {
                present.add(key);
                continue;
            }
            changed = addition.content;
            const { newlineMended } = addition;
            granted.push({
                kind: 'authorized-key',
                target: `${destination.user}@${(0,_hosts__WEBPACK_IMPORTED_MODULE_6__/* .hostName */ .Sm)(line)}`,
                host: destination.host,
                port: destination.port,
                user: destination.user,
                hostKey: destination.hostKey.toString('base64'),
                key: key.blob.toString('base64'),
                line: text,
                revoke: config.revoke === 'always' || (config.revoke === 'auto' && key.generated),
                generated: key.generated,
                // A run that is killed leaves none of it either.
                created: [...missing],
                ...(line.path === undefined ? {} : { path: line.path }),
                ...(newlineMended === undefined ? {} : { newlineMended }),
                ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
            });
        }
        for (const effect of granted)
            journal.append(effect);
        return granted.length === 0 ? undefined : changed;
    });
    granted = granted.map((one) => ({ ...one, written: true }));
    for (const effect of granted)
        journal.append(effect);
    const notes = [...edited.mends, ...edited.warnings, ...expiry.notes];
    const reports = keys.map((key) => ({
        ...identity(line, key.blob),
        status: present.has(key) ? 'present' : 'added',
        file: edited.path,
        notes: [...notes],
        ...(present.has(key)
            ? {}
            : { expires: expiry.at === undefined ? 'never' : expiry.at.toISOString() }),
    }));
    return { reports, granted };
}


/***/ }),

/***/ 5525:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AN: () => (/* binding */ isProblem),
/* harmony export */   Bs: () => (/* binding */ fine),
/* harmony export */   Ev: () => (/* binding */ told),
/* harmony export */   eg: () => (/* binding */ formatFindings)
/* harmony export */ });
/* unused harmony exports CHECKS, FINDING_CODES, hasProblem */
/* harmony import */ var _report__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7146);
/** What `ssh-trust doctor` finds: the type, the closed list of codes, and findings as text. */

/** In the order in which they are made. */
const CHECKS = (/* unused pure expression or super */ null && ([
    'ssh',
    'agent',
    'client-config',
    'name',
    'connection',
    'server',
    'key-exchange',
    'host-key',
    'known-hosts',
    'login',
    'inspection',
    'clock',
    'account',
    'sshd-config',
    'authorized-keys',
    'key-options',
    'modes',
    'selinux',
    'log',
]));
/**
 * What can be amiss. docs/TROUBLESHOOTING.md has a row for each (a test holds the two together). What
 * is well has the name of its check with `-ok`. A code names the reason: the log of a server and its
 * configuration can tell the same one.
 */
const FINDING_CODES = (/* unused pure expression or super */ null && ([
    // this machine
    'ssh-missing',
    'ssh-not-openssh',
    'ssh-tells-no-host',
    'agent-unset',
    'agent-gone',
    'agent-silent',
    'agent-empty',
    'client-config-broken',
    'client-option-gone',
    'client-publickey-off',
    'client-other-key',
    'client-other-agent',
    'client-host-key-unchecked',
    'client-forwards-agent',
    'client-forwards-x11',
    'client-prompts',
    'client-other-address',
    'client-proxy',
    // the way to the host
    'name-not-found',
    'name-server-silent',
    'connection-refused',
    'connection-timeout',
    'connection-unreachable',
    'server-silent',
    'server-not-ssh',
    'server-closed',
    'server-protocol',
    'no-common-algorithm',
    'host-key-unproven',
    'host-key-changed',
    'host-key-revoked',
    'known-hosts-revoked',
    'known-hosts-stale',
    'pin-stale',
    // the login
    'login-without-keys',
    'login-too-many-keys',
    'login-agent-refused',
    'login-wants-more',
    'login-key-not-offered',
    'login-key-refused',
    'login-command-fails',
    'login-failed',
    'rsa-sha1-only',
    // the account, from inside
    'inspection-none',
    'inspection-refused',
    'inspection-no-shell',
    'inspection-failed',
    'clock-unknown',
    'clock-differs',
    'account-absent',
    'account-locked',
    'account-expired',
    'account-no-home',
    'account-no-shell',
    'account-nologin-file',
    'account-denied-by-pam',
    'sshd-config-unknown',
    'publickey-off',
    'allow-users',
    'deny-users',
    'allow-groups',
    'deny-groups',
    'root-login',
    'authentication-methods',
    'algorithm-not-accepted',
    'max-auth-tries',
    'forced-command',
    'authorized-keys-not-looked-for',
    'authorized-keys-unreadable',
    'authorized-keys-missing',
    'authorized-keys-elsewhere',
    'authorized-keys-of-other-account',
    'key-not-authorized',
    'key-revoked',
    'key-expired',
    'key-from',
    'key-is-authority',
    'key-options-invalid',
    'writable-by-others',
    'owned-by-other',
    'selinux-label',
    'log-unreadable',
    'log-unexplained',
]));
/** A key of 16,384 bits has 2,800 characters. */
const MAX_TEXT = 4000;
const MAX_EVIDENCE = 500;
/** A finding. Its texts become one line each: much of them comes from a server, or from files. */
function told(status, check, code, finding, { evidence = '', hint = '', steps = [] } = {}) {
    const shown = { evidence: bounded(evidence, MAX_EVIDENCE), hint: bounded(hint, MAX_TEXT) };
    return {
        status,
        check,
        code,
        finding: bounded(finding, MAX_TEXT),
        ...(shown.evidence === '' ? {} : { evidence: shown.evidence }),
        ...(shown.hint === '' ? {} : { hint: shown.hint }),
        ...(steps.length === 0 ? {} : { steps }),
    };
}
/** For a check that finds nothing wrong. */
function fine(check, finding, evidence = '') {
    return told('ok', check, `${check}-ok`, finding, { evidence });
}
function bounded(text, length) {
    const line = (0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(text).trim();
    return line.length > length ? `${line.slice(0, length)}…` : line;
}
function isProblem({ status }) {
    return status === 'problem';
}
/** For whoever asks whether all is well. */
function hasProblem(findings) {
    return findings.some(isProblem);
}
const COLOURS = { ok: 32, warning: 33, problem: 31, unknown: 36 };
/** The findings as aligned text; evidence and what to do stand below what they are about. */
function formatFindings(findings, colour) {
    const width = (texts) => Math.max(0, ...texts.map(({ length }) => length));
    const status = width(Object.keys(COLOURS));
    const host = width(findings.map((finding) => finding.host ?? ''));
    const check = width(findings.map((finding) => finding.check));
    const hosts = host === 0 ? 0 : host + 2;
    const indent = ' '.repeat(status + 2 + hosts + check + 2);
    return findings
        .map((one) => {
        const word = one.status.padEnd(status);
        const shown = colour ? `\x1b[${COLOURS[one.status]}m${word}\x1b[0m` : word;
        const where = (one.host ?? '').padEnd(hosts);
        const code = one.status === 'ok' ? '' : ` [${one.code}]`;
        const below = [
            ...(one.evidence === undefined ? [] : [`· ${one.evidence}`]),
            ...(one.hint === undefined ? [] : [`→ ${one.hint}`]),
            ...(one.steps ?? []).map((step) => `  ${step}`),
        ];
        const lines = [
            `${shown}  ${where}${one.check.padEnd(check)}  ${(0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(one.finding)}${code}`,
            ...below.map((text) => `${indent}${(0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(text)}`),
        ];
        return lines.map((line) => `${line}\n`).join('');
    })
        .join('');
}


/***/ }),

/***/ 415:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   n: () => (/* binding */ expiryFor)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8962);
/** The option that lets a line of authorized_keys expire, in the form that a server understands. */


/**
 * @param name of the host, for messages
 * @throws TrustError `expiry-unsupported`
 */
async function expiryFor(client, name, { lifetime, expiryRequired }) {
    if (lifetime === undefined)
        return { notes: ['the trust is permanent (trust-lifetime: forever)'] };
    const { runScript, serverSoftware } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    const at = new Date(Math.ceil(Date.now() / 1000 + lifetime) * 1000);
    const software = serverSoftware(client);
    const support = (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .expirySupport */ .D$)(software);
    if (support === 'utc')
        return { option: (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .expiryTime */ .TK)(at, 'utc'), at, notes: [] };
    if (support === 'server-time') {
        const { stdout } = await runScript(client, 'date +%z', Buffer.alloc(0));
        const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)\s*$/.exec(stdout.toString('latin1')) ?? [];
        if (sign !== undefined) {
            const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
            return { option: (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .expiryTime */ .TK)(at, { offset }), at, notes: [] };
        }
    }
    const message = `${name} runs ${software}, which knows no expiry of keys in authorized_keys.`;
    if (!expiryRequired)
        return { notes: [`${message} The key is revoked by the post step alone.`] };
    throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('expiry-unsupported', message, {
        hint: 'OpenSSH does since 7.7. Set trust-expiry: optional to go without, or trust-lifetime: forever.',
    });
}


/***/ }),

/***/ 361:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";

// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  Sm: () => (/* binding */ hostName),
  Mu: () => (/* binding */ hostOfEntry),
  L6: () => (/* binding */ nameClashes),
  jj: () => (/* binding */ parseHostLines),
  tB: () => (/* binding */ parseHosts)
});

// EXTERNAL MODULE: ./src/errors.ts
var src_errors = __nccwpck_require__(3916);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __nccwpck_require__(6119);
// EXTERNAL MODULE: ./src/ssh/pin.ts
var ssh_pin = __nccwpck_require__(8933);
;// CONCATENATED MODULE: ./src/trust/forges.ts
const FORGES = [
    {
        // Keys and fingerprints: the page in `source`; the RSA key is the one in use since 2023-03-24.
        // Compared: +DiY3wvv… (ED25519), p2QAMXNI… (ECDSA), uNiVztks… (RSA).
        // ssh.github.com, port 443, shows the same keys:
        // https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
        hosts: ['github.com', 'ssh.github.com'],
        source: 'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCj7ndNxQowgcQnjshcLrqPEiiphnt+VTTvDP6mHBL9j1aNUkY4Ue1gvwnGLVlOhGeYrnZaMgRK6+PKCUXaDbC7qtbW8gIkhL7aGCsOr/C56SJMy/BCZfxd1nWzAOxSDPgVsmerOBYfNqltV9/hWCqBywINIR+5dIg6JTJ72pcEpEjcYgXkE2YEFXV1JHnsKgbLWNlhScqb2UmyRkQyytRLtL+38TGxkxCflmO+5Z8CSSNY7GidjMIZ7Q4zMjA2n1nGrlTDkzwDCsw+wqFPGQA179cnfGWOWRVruj16z6XyvxvjJwbz0wQZ75XK5tKSb7FNyeIEs4TT4jk+S4dhPeAUC5y+bDYirYgM4GC7uEnztnZyaVWQ7B381AK4Qdrwt51ZqExKbQpTUNn+EjqoTwvqNj4kqx5QUCI0ThS/YkOxJCXmPUWZbhjpCg56i+2aB6CmK2JGhn57K5mj0MNdBXA4/WnwH6XoPWJzK5Nyu2zB3nAZp+S5hpQs+p1vN1/wsjk=',
        ],
    },
    {
        // Keys and fingerprints: the page in `source`.
        // Compared: eUXGGm1Y… (ED25519), HbW3g8zU… (ECDSA), ROQFvPTh… (RSA).
        // altssh.gitlab.com, port 443, shows the same keys:
        // https://about.gitlab.com/blog/2016/02/18/gitlab-dot-com-now-supports-an-alternate-git-plus-ssh-port/
        hosts: ['gitlab.com', 'altssh.gitlab.com'],
        source: 'https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFSMqzJeV9rUzU4kWitGjeR4PWSa29SPqJ1fVkhtj3Hw9xjLVXVYrU9QlYWrOLXBpQ6KWjbjTDTdDkoohFzgbEY=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCsj2bNKTBSpIYDEGk9KxsGh3mySTRgMtXL583qmBpzeQ+jqCMRgBqB98u3z++J1sKlXHWfM9dyhSevkMwSbhoR8XIq/U0tCNyokEi/ueaBMCvbcTHhO7FcwzY92WK4Yt0aGROY5qX2UKSeOvuP4D6TPqKF1onrSzH9bx9XUf2lEdWT/ia1NEKjunUqu1xOB/StKDHMoX4/OKyIzuS0q/T1zOATthvasJFoPrAjkohTyaDUz2LN5JoH839hViyEG82yB+MjcFV5MU3N1l1QL3cVUCh93xSaua1N85qivl+siMkPGbO5xR/En4iEY6K2XPASUEMaieWVNTRCtJ4S8H+9',
        ],
    },
    {
        // Keys: https://bitbucket.org/site/ssh. Fingerprints: the page in `source`; all three are those
        // made in 2023, https://bitbucket.org/blog/ssh-host-key-changes.
        // Compared: ybgmFkzw… (ED25519), FC73VB6C… (ECDSA), 46OSHA1R… (RSA).
        // ssh.bitbucket.org is the name to use: bitbucket.org was to stop taking SSH on 2026-11-12,
        // https://community.atlassian.com/forums/Bitbucket-articles/Upcoming-change-to-Bitbucket-Cloud-SSH-access-move-from/ba-p/3234032
        // Atlassian lists the keys under the old name alone; that ssh.bitbucket.org and altssh.bitbucket.org
        // (port 443) show the same ones is from third parties.
        hosts: ['bitbucket.org', 'ssh.bitbucket.org', 'altssh.bitbucket.org'],
        source: 'https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPIQmuzMBuKdWeF4+a2sjSSpBK0iqitSQ+5BM9KhpexuGt20JpTVM7u5BDZngncgrqDMbWdxMWWOGtZ9UgbqgZE=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDQeJzhupRu0u0cdegZIa8e86EG2qOCsIsD1Xw0xSeiPDlCr7kq97NLmMbpKTX6Esc30NuoqEEHCuc7yWtwp8dI76EEEB1VqY9QJq6vk+aySyboD5QF61I/1WeTwu+deCbgKMGbUijeXhtfbxSxm6JwGrXrhBdofTsbKRUsrN1WoNgUa8uqN1Vx6WAJw1JHPhglEGGHea6QICwJOAr/6mrui/oB7pkaWKHj3z7d1IC4KWLtY47elvjbaTlkN04Kc/5LFEirorGYVbt15kAUlqGM65pk6ZBxtaO3+30LVlORZkxOh+LKL/BvbZ/iRNhItLqNyieoQj/uh/7Iv4uyH/cV/0b4WDSd3DptigWq84lJubb9t/DnZlrJazxyDCulTmKdOR7vs9gMTo+uoIrPSb8ScTtvw65+odKAlBj59dhnVp9zd7QUojOpXlL62Aw56U4oO+FALuevvMjiWeavKhJqlR7i5n9srYcrNV7ttmDw7kf/97P5zauIhxcjX+xHv4M=',
        ],
    },
    {
        // Fingerprints: the page in `source`. Keys: known_hosts files of others.
        // Compared: mIlxA9k4… (ED25519), T9FYDEHE… (ECDSA), 6QQmYi4p… (RSA).
        hosts: ['codeberg.org'],
        source: 'https://docs.codeberg.org/security/ssh-fingerprint/',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBL2pDxWr18SoiDJCGZ5LmxPygTlPu+cCKSkpqkvCyQzl5xmIMeKNdfdBpfbCGDPoZQghePzFZkKJNR/v9Win3Sc=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8hZi7K1/2E2uBX8gwPRJAHvRAob+3Sn+y2hxiEhN0buv1igjYFTgFO2qQD8vLfU/HT/P/rqvEeTvaDfY1y/vcvQ8+YuUYyTwE2UaVU5aJv89y6PEZBYycaJCPdGIfZlLMmjilh/Sk8IWSEK6dQr+g686lu5cSWrFW60ixWpHpEVB26eRWin3lKYWSQGMwwKv4LwmW3ouqqs4Z4vsqRFqXJ/eCi3yhpT+nOjljXvZKiYTpYajqUC48IHAxTWugrKe1vXWOPxVXXMQEPsaIRc2hpK+v1LmfB7GnEGvF1UAKnEZbUuiD9PBEeD5a1MZQIzcoPWCrTxipEpuXQ5Tni4mN',
        ],
    },
    {
        // Fingerprint: the page in `source`. Key: known_hosts of Argo CD. No other type is listed.
        // Compared: ohD8VZEX… (RSA). One key for all of hosted Azure DevOps, the old name too:
        // https://github.com/MicrosoftDocs/azure-devops-docs/pull/3371
        hosts: ['ssh.dev.azure.com', 'vs-ssh.visualstudio.com'],
        source: 'https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate',
        checked: '2026-11-22',
        keys: [
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7Hr1oTWqNqOlzGJOfGJ4NakVyIzf1rXYd4d7wo6jBlkLvCA4odBlL0mDUyZ0/QUfTTqeu+tm22gOsv+VrVTMk6vwRU75gY/y9ut5Mb3bR5BV58dKXyq9A9UeB5Cakehn5Zgm6x1mKoVyf+FFn26iYqXJRgzIZZcZ5V6hrE0Qg39kZm4az48o0AUbf6Sp4SLdvnuMa2sVNwHBboS7EJkm57XQPVU3/QpyNLHbWDdzwtrlS+ez30S3AdYhLKEOxAG8weOnyrtLJAUen9mTkol8oII1edf7mWWbWVf0nBmly21+nZcmCTISQBtdcyPaEno7fFQMDD26/s0lfKob4Kw8H',
        ],
    },
    {
        // Keys: the page in `source`, which gives no fingerprints; a third party's ssh-keyscan of
        // 2025-07-06 has the same three keys.
        // Compared with that: WXXNZu0Y… (ED25519), 1nUUjsHH… (ECDSA), rvz/I0S1… (RSA).
        hosts: ['git.sr.ht'],
        source: 'https://man.sr.ht/git.sr.ht/#ssh-host-keys',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMZvRd4EtM7R+IHVMWmDkVU3VLQTSwQDSAvW0t2Tkj60',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCj6y+cJlqK3BHZRLZuM+KP2zGPrh4H66DacfliU1E2DHAd1GGwF4g1jwu3L8gOZUTIvUptqWTkmglpYhFp4Iy4=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDZ+l/lvYmaeOAPeijHL8d4794Am0MOvmXPyvHTtrqvgmvCJB8pen/qkQX2S1fgl9VkMGSNxbp7NF7HmKgs5ajTGV9mB5A5zq+161lcp5+f1qmn3Dp1MWKp/AzejWXKW+dwPBd3kkudDBA1fa3uK6g1gK5nLw3qcuv/V4emX9zv3P2ZNlq9XRvBxGY2KzaCyCXVkL48RVTTJJnYbVdRuq8/jQkDRA8lHvGvKI+jqnljmZi2aIrK9OGT2gkCtfyTw2GvNDV6aZ0bEza7nDLU/I+xmByAOO79R1Uk4EYCvSc1WXDZqhiuO2sZRmVxa0pQSBDn1DB3rpvqPYW+UvKB3SOz',
        ],
    },
    {
        // Fingerprint: the page in `source`. Key: the host keys in Twinkle, a git client.
        // Compared: UNOzlP66… (RSA). No other type is listed.
        hosts: ['git.launchpad.net'],
        source: 'https://documentation.ubuntu.com/launchpad/user/reference/ssh-fingerprints',
        checked: '2026-11-22',
        keys: [
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDEFREwBD2ye2Xrc2SVcUmmJ44MF1BCB3W11NTaiqzVj7XZnQmgWZk9UadHVY2wBXvelcDO51MPN5ozJjFAknw09rP7XMRJMlAOLSIVoU6DRF1u1j8kJVY+dfiDHheS7+siADnrmb8HGn2xQQ6EJDjAXrw1x58x5eZjQ0PFWdI+pRTdYGvWkpHdXKFO6a9/lDx4uo9MCnePEGi/QnkCmKqLCBUlYNZYRiB8nVee2tMF0mjV8xk1rJ+/UP+897+FXFR9w/B1EPRjiQ35ZNQZKPP4isxPtyMuCQkZY7ckWr5YsylNfvNcyGDnO1XazZhJ71rzDpi1RmnFXBW5i+2dm2y7',
        ],
    },
    {
        // Fingerprints: the page in `source`. Keys: known_hosts files of others.
        // Compared: RFzBCUIt… (ED25519), uTa/0Pnd… (ECDSA), 5s5cIyRe… (RSA).
        hosts: ['aur.archlinux.org'],
        source: 'https://aur.archlinux.org/',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuBKrPzbawxA/k2g6NcyV5jmqwJ2s+zpgZGZ7tpLIcN',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLMiLrP8pVi5BFX2i3vepSUnpedeiewE5XptnUnau+ZoeUOPkpoCgZZuYfpaIQfhhJJI5qgnjJmr4hyJbe/zxow=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDKF9vAFWdgm9Bi8uc+tYRBmXASBb5cB5iZsB7LOWWFeBrLp3r14w0/9S2vozjgqY5sJLDPONWoTTaVTbhe3vwO8CBKZTEt1AcWxuXNlRnk9FliR1/eNB9uz/7y1R0+c1Md+P98AJJSJWKN12nqIDIhjl2S1vOUvm7FNY43fU2knIhEbHybhwWeg+0wxpKwcAd/JeL5i92Uv03MYftOToUijd1pqyVFdJvQFhqD4v3M157jxS5FTOBrccAEjT+zYmFyD8WvKUa9vUclRddNllmBJdy4NyLB8SvVZULUPrP3QOlmzemeKracTlVOUG1wsDbxknF1BwSCU7CmU6UFP90kpWIyz66bP0bl67QAvlIc52Yix7pKJPbw85+zykvnfl2mdROsaT8p8R9nwCdFsBc9IiD0NhPEHcyHRwB8fokXTajk2QnGhL+zP5KnkmXnyQYOCUYo3EKMXIlVOVbPDgRYYT/XqvBuzq5S9rrU70KoI/S5lDnFfx/+lPLdtcnnEPk=',
        ],
    },
    {
        // Fingerprints: the page in `source`, `*.code.sf.net`. Keys: known_hosts of PMD's build.
        // Compared: vDwNztsr… (ED25519), FeVkoYYB… (ECDSA), 3WhEqJaB… (RSA).
        hosts: ['git.code.sf.net', 'svn.code.sf.net', 'hg.code.sf.net'],
        source: 'https://sourceforge.net/p/forge/documentation/SSH%20Key%20Fingerprints/',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGObtXLh/mZom0pXjE5Mu211O+JvtzolqdNKVA+XJ466',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPAa5MFfMaXyT3Trf/Av/laAvIhUzZJUnvPZAd9AC6bKWAhVl+A3s2+M6SlhF/Tn/W0akN03GyNviBtqJKtx0RU=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEAoMesJ60dow5VqNsIqIQMBNmSYz6txSC5YSUXzPNWV4VIWTWdqbQoQuIu+oYGhBMoeaSWWCiVIDTwFDzQXrq8CwmyxWp+2TTuscKiOw830N2ycIVmm3ha0x6VpRGm37yo+z+bkQS3m/sE7bkfTU72GbeKufFHSv1VLnVy9nmJKFOraeKSHP/kjmatj9aC7Q2n8QzFWWjzMxVGg79TUs7sjm5KrtytbxfbLbKtrkn8OXsRy1ib9hKgOwg+8cRjwKbSXVrNw/HM+MJJWp9fHv2yzWmL8B6fKoskslA0EjNxa6d76gvIxwti89/8Y6xlhR0u65u1AiHTX9Q4BVsXcBZUDw==',
        ],
    },
    {
        // Fingerprints: the page in `source`, with these four names. Keys: known_hosts of PMD's build.
        // Compared: 209BDmH3… (ED25519), QAAxYkf0… (ECDSA), xB2rnn0N… (RSA).
        hosts: ['frs.sourceforge.net', 'frs.sf.net', 'web.sourceforge.net', 'web.sf.net'],
        source: 'https://sourceforge.net/p/forge/documentation/SSH%20Key%20Fingerprints/',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOQD35Ujalhh+JJkPvMckDlhu4dS7WH6NsOJ15iGCJLC',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCwsY6sZT4MTTkHfpRzYjxG7mnXrGL74RCT2cO/NFvRrZVNB5XNwKNn7G5fHbYLdJ6UzpURDRae1eMg92JG0+yo=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA2uifHZbNexw6cXbyg1JnzDitL5VhYs0E65Hk/tLAPmcmm5GuiGeUoI/B0eUSNFsbqzwgwrttjnzKMKiGLN5CWVmlN1IXGGAfLYsQwK6wAu7kYFzkqP4jcwc5Jr9UPRpJdYIK733tSEmzab4qc5Oq8izKQKIaxXNe7FgmL15HjSpatFt9w/ot/CHS78FUAr3j3RwekHCm/jhPeqhlMAgC+jUgNJbFt3DlhDaRMa0NYamVzmX8D47rtmBbEDU3ld6AezWBPUR5Lh7ODOwlfVI58NAf/aYNlmvl2TZiauBCTa7OPYSyXJnIPbQXg6YQlDknNCr0K769EjeIlAfY87Z4tw==',
        ],
    },
    {
        // Keys and fingerprints: the page in `source`; its DSA key is left out.
        // Compared: dVjzGIdV… (ED25519), aBG5R7Io… (ECDSA), uqjYymys… (RSA).
        hosts: ['hf.co'],
        source: 'https://huggingface.co/docs/hub/security-git-ssh',
        checked: '2026-11-22',
        keys: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINJjhgtT9FOQrsVSarIoPVI1jFMh3VSHdKfdqp/O776s',
            'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBL0wtM52yIjm8gRecBy2wRyEMqr8ulG0uewT/IQOGz5K0ZPTIy6GIGHsTi8UXBiEzEIznV3asIz2sS7SiQ311tU=',
            'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDtPB+snz63eZvTrbMY2Qt39a6HYile89JOum55z3lhIqAqUHxLtXFd+q+ED8izQvyORFPSmFIaPw05rtXo37bm+ixL6wDmvWrHN74oUUWmtrv2MNCLHE5VDb3+Q6MJjjDVIoK5QZIuTStlq0cUbGGxQk7vFZZ2VXdTPqgPjw4hMV7MGp3RFY/+Wy8rIMRv+kRCIwSAOeuaLPT7FzL0zUMDwj/VRjlzC08+srTQHqfoh0RguZiXZQneZKmM75AFhoMbP5x4AW2bVoZam864DSGiEwL8R2jMiyXxL3OuicZteZqll0qfRlNopKnzoxS29eBbXTr++ILqYz1QFqaruUgqSi3MIC9sDYEqh2Q8UxP5+Hh97AnlgWDZC0IhojVmEPNAc7Y2d+ctQl4Bt91Ik4hVf9bU+tqMXgaTrTMXeTURSXRxJEm2zfKQVkqn3vS/zGVnkDS+2b2qlVtrgbGdU/we8Fux5uOAn/dq5GygW/DUlHFw412GtKYDFdWjt3nJCY8=',
        ],
    },
];
/** Keys (OpenSSH lines) of a well-known host, or undefined. Case-insensitive. */
function forgeKeys(host) {
    const name = host.toLowerCase();
    return FORGES.find(({ hosts }) => hosts.includes(name))?.keys;
}

;// CONCATENATED MODULE: ./src/trust/hosts.ts
/**
 * The `hosts` input: one host a line,
 *
 *     [alias=][user@]host[:port]  PIN…  [key=SHA256:…|comment] [users=NAME,…] [forward]
 *         [bootstrap] [password-env=NAME] [path=FILE]
 *
 * with `#` comments. A PIN is a SHA256 fingerprint, a full public key, or `@cert-authority` or
 * `@revoked` with one. Well-known forges need no pin.
 */




const OPTIONS = 'key=SHA256:…|comment, users=NAME,…, forward, bootstrap, password-env=NAME, path=FILE';
/** Longest `hosts` text: ten thousand hosts with a full RSA key each. */
const MAX_TEXT = 16 * 1024 * 1024;
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/;
const IPV6 = /^[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?$/;
/** What a line calls its host. */
function hostName({ alias, host }) {
    return alias ?? host;
}
function parseHosts(text) {
    const { hosts, errors } = parseHostLines(text, 'hosts');
    return { hosts, errors: [...errors, ...nameClashes(hosts)] };
}
/**
 * The lines alone; names that clash are left to the caller, who may have more hosts.
 *
 * @param source what positions begin with
 */
function parseHostLines(text, source) {
    const hosts = [];
    const errors = [];
    if (text.length > MAX_TEXT) {
        errors.push(new src_errors/* TrustError */.Ru('hosts-syntax', 'The input is too long.', { input: source }));
        return { hosts, errors };
    }
    text.split(/\r\n|\r|\n/).forEach((line, index) => {
        const tokens = tokenize(line);
        if (tokens.length === 0)
            return;
        const position = `${source}:${index + 1}`;
        try {
            hosts.push(parseLine(tokens, position));
        }
        catch (error) {
            if (!(error instanceof src_errors/* TrustError */.Ru))
                throw error;
            errors.push(error.about(position));
        }
    });
    return { hosts, errors };
}
function tokenize(line) {
    const code = line.replace(/^\uFEFF/, '').replace(/(^|\s)#.*$/, '$1');
    return [...code.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
}
/**
 * An alias must not be what another line is called. Lines for one host without alias may be many.
 *
 * @param earlier lines whose names are taken already, and which have been compared with each other
 */
function nameClashes(hosts, earlier = []) {
    const byName = new Map();
    for (const line of earlier) {
        const name = hostName(line).toLowerCase();
        if (!byName.has(name))
            byName.set(name, line);
    }
    return hosts.flatMap((line) => {
        const name = hostName(line).toLowerCase();
        const first = byName.get(name);
        if (first === undefined)
            byName.set(name, line);
        if (first === undefined || (first.alias === undefined && line.alias === undefined))
            return [];
        const message = `The name ${hostName(line)} is taken by ${first.position}.`;
        return [
            new src_errors/* TrustError */.Ru('hosts-syntax', message, {
                input: line.position,
                hint: 'Give every alias once.',
            }),
        ];
    });
}
function parseLine(tokens, position) {
    const [first, ...rest] = tokens;
    return lineOf(parseName(first?.text ?? ''), rest, position);
}
/**
 * A host of an inventory, by the rules of a line of `hosts`.
 *
 * @throws TrustError about `position`
 */
function hostOfEntry({ words, ...entry }, position) {
    try {
        const tokens = words.split(/\r\n|\r|\n/).flatMap(tokenize);
        return lineOf(checkName(entry), tokens, position, false);
    }
    catch (error) {
        throw error instanceof src_errors/* TrustError */.Ru ? error.about(position) : error;
    }
}
function lineOf(name, rest, position, columns = true) {
    const { pins, keys, users, ...options } = parseRest(rest, position, columns);
    if (!pins.some((pin) => pin.kind !== 'revoked'))
        pins.push(...builtInPins(name.host));
    const { user } = name;
    if (user !== undefined && users.length > 0 && !users.includes(user)) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `users= leaves out ${user}, who stands before the host.`, {
            hint: `Write users=${[user, ...users].join(',')}, or another user before the host.`,
        });
    }
    return {
        ...name,
        pins,
        ...options,
        position,
        ...(keys.length === 0 ? {} : { keys }),
        ...(users.length === 0 ? {} : { users }),
    };
}
function parseName(text) {
    // IPv6 addresses stand in brackets, as in known_hosts and URLs.
    const match = /^(?:([^=@[\]:]*)=)?(?:(.*)@)?(?:\[([^\]]*)\]|([^:[\]@]*))(?::([0-9]*))?$/.exec(text);
    const [, alias, user, ipv6, plain, portText] = match ?? [];
    const host = ipv6 ?? plain ?? '';
    if (match === null && (text.match(/:/g) ?? []).length > 1) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${text} looks like an IPv6 address; it has to stand in brackets.`, {
            hint: 'Write [2001:db8::1] or [2001:db8::1]:2222.',
        });
    }
    const isHost = (ipv6 === undefined ? HOST_NAME : IPV6).test(host);
    if (match === null || host.length > 253 || !isHost) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${JSON.stringify(text)} is not [alias=][user@]host[:port].`);
    }
    return checkName({
        host,
        ...(alias === undefined ? {} : { alias }),
        ...(user === undefined ? {} : { user }),
        ...(portText === undefined ? {} : { port: portText }),
    });
}
function checkName({ alias, user, host, port: portText, }) {
    if (host.length > 253 || !(HOST_NAME.test(host) || (host.includes(':') && IPV6.test(host)))) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${JSON.stringify(host)} is not a host.`);
    }
    const port = portText === undefined ? 22 : Number(portText);
    if (!/^[0-9]+$/.test(portText ?? '22') || port < 1 || port > 65535) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${portText === '' ? 'An empty port' : portText} is not a port (1 to 65535).`);
    }
    if (alias !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(alias)) {
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${JSON.stringify(alias)} can't be an alias.`, {
            hint: 'Letters, digits, dot, dash and underscore may be in one.',
        });
    }
    if (user !== undefined)
        requireUserName(user);
    return {
        host,
        port,
        ...(alias === undefined ? {} : { alias }),
        ...(user === undefined ? {} : { user }),
    };
}
function requireUserName(user) {
    if (/^[A-Za-z0-9_.][A-Za-z0-9_.+@\\-]{0,254}\$?$/.test(user))
        return;
    throw new src_errors/* TrustError */.Ru('hosts-syntax', `${JSON.stringify(user)} can't be a user name.`);
}
function parseRest(tokens, position, columns) {
    const pins = [];
    const remote = {};
    const keys = [];
    const users = [];
    let forward = false;
    let bootstrap = false;
    let i = 0;
    const peek = () => tokens[i]?.text ?? '';
    while (i < tokens.length) {
        const { text, column } = tokens[i] ?? { text: '', column: 0 };
        const at = columns ? `${position}:${column}` : position;
        i += 1;
        try {
            if (/^(SHA256:|MD5:)/i.test(text) || /^([0-9a-f]{2}:){15}/i.test(text)) {
                const pin = (0,ssh_pin/* parsePin */.N3)(text);
                const { type, length } = fingerprintTrailer(tokens.slice(i));
                i += length;
                pins.push(type === undefined ? pin : { ...pin, ...(pin.kind === 'fingerprint' ? { type } : {}) });
            }
            else if (/^[0-9]{3,5}$/.test(text) && /^SHA256:/i.test(peek())) {
                // the length that ssh-keygen -lf prints first
            }
            else if (text === '@cert-authority' || text === '@revoked') {
                pins.push((0,ssh_pin/* parsePin */.N3)(`${text} ${peek()} ${tokens[i + 1]?.text ?? ''}`));
                i += 2;
                while (isComment(peek()))
                    i += 1;
            }
            else if ((0,public_key/* isKeyType */.Cy)(text) || text === 'ssh-dss' || /^(ssh|ecdsa|sk)-/.test(text)) {
                pins.push((0,ssh_pin/* parsePin */.N3)(`${text} ${peek()}`));
                i += 1;
                while (isComment(peek()))
                    i += 1;
            }
            else if (text.startsWith('key=') && text.length > 4) {
                keys.push(text.slice(4));
            }
            else if (text.startsWith('users=')) {
                const names = text.slice('users='.length).split(',');
                names.forEach(requireUserName);
                users.push(...names);
            }
            else if (text === 'forward') {
                forward = true;
            }
            else if (text === 'bootstrap') {
                bootstrap = true;
            }
            else if (text.startsWith('password-env=')) {
                remote.passwordEnv = readVariableName(text.slice('password-env='.length));
            }
            else if (text.startsWith('path=') && text.length > 5) {
                remote.path = text.slice(5);
            }
            else {
                throw new src_errors/* TrustError */.Ru('hosts-option-unknown', `${JSON.stringify(text)} is neither a pin nor an option.`, {
                    hint: `Options are: ${OPTIONS}. A pin is SHA256:…, a full public key, or @cert-authority or @revoked with one.`,
                });
            }
        }
        catch (error) {
            throw error instanceof src_errors/* TrustError */.Ru ? error.about(at) : error;
        }
    }
    const [option] = Object.keys(remote);
    if (option !== undefined && !bootstrap) {
        const name = option === 'path' ? 'path=' : 'password-env=';
        throw new src_errors/* TrustError */.Ru('hosts-syntax', `${name} is for bootstrap, which is not on this line.`);
    }
    return { pins, keys, users, forward, bootstrap, ...remote };
}
function readVariableName(name) {
    if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
        return name;
    throw new src_errors/* TrustError */.Ru('hosts-syntax', `${JSON.stringify(name)} can't be a variable's name.`, {
        hint: 'password-env= takes the name of a variable that holds the password, never the password.',
    });
}
/** Whether a word behind a full key belongs to the key's comment: it can't be an option or a pin. */
function isComment(text) {
    return (text !== '' &&
        !['forward', 'bootstrap'].includes(text.toLowerCase()) &&
        !/^(SHA256:|MD5:|@|[0-9]+$)|=/i.test(text) &&
        !(0,public_key/* isKeyType */.Cy)(text));
}
/** What `ssh-keygen -lf` prints behind a fingerprint: `comment (TYPE)`. ECDSA does not say the curve. */
function fingerprintTrailer(tokens) {
    const end = tokens.findIndex(({ text }) => /^\((ED25519|ECDSA|RSA)\)$/.test(text));
    const between = tokens.slice(0, Math.max(end, 0));
    if (end < 0 || end > 4 || between.some(({ text }) => /^(SHA256:|@)|=|^forward$/.test(text))) {
        return { length: 0 };
    }
    const name = tokens[end]?.text;
    const type = name === '(ED25519)' ? 'ssh-ed25519' : name === '(RSA)' ? 'ssh-rsa' : undefined;
    return { length: end + 1, ...(type === undefined ? {} : { type }) };
}
function builtInPins(host) {
    const keys = forgeKeys(host);
    if (keys !== undefined)
        return keys.map(ssh_pin/* parsePin */.N3);
    throw new src_errors/* TrustError */.Ru('hosts-pin-missing', `${host} has no pin, so nothing says which key is the right one.`, {
        hint: 'On the server, run: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, and put the SHA256:… that it prints behind the host.',
    });
}


/***/ }),

/***/ 761:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Y: () => (/* binding */ logInWithJobKey),
/* harmony export */   x: () => (/* binding */ openRecordedLogins)
/* harmony export */ });
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _agent_control__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(2820);
/* harmony import */ var _agent_messages__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3557);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3916);
/**
 * Logging in to a proven host with a key of the job's agent. ssh2 sends no session-bind, so the agent
 * is told over its control channel which host it is; its policy decides as for everybody else.
 */




/**
 * A connection that is logged in with `key` (wire format). The caller ends it.
 *
 * @throws TrustError as `connectTo`
 */
async function logInWithJobKey(destination, key, agent) {
    const { connectTo } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    const { hostKey } = destination;
    return connectTo({
        ...destination,
        credentials: {
            kind: 'signer',
            keys: [key],
            sign: async (blob, data, sessionId, hash) => {
                const flags = hash === 'sha256' ? _agent_messages__WEBPACK_IMPORTED_MODULE_2__/* .SSH_AGENT_RSA_SHA2_256 */ .j5 : _agent_messages__WEBPACK_IMPORTED_MODULE_2__/* .SSH_AGENT_RSA_SHA2_512 */ .uA;
                return (0,_agent_control__WEBPACK_IMPORTED_MODULE_1__/* .signForProvenHost */ .$H)(agent, { hostKey, sessionId }, blob, data, flags);
            },
        },
    });
}
/** Milliseconds for a login in teardown; a cancelled job has little time. */
const TEARDOWN_TIMEOUT = 10_000;
/** Milliseconds before each further try, where the host can't be reached. */
const BACKOFF = [500, 2000];
const UNREACHABLE = ['host-refused', 'host-unreachable', 'host-timeout', 'host-closed'];
const REFUSED = 'login-refused';
function openRecordedLogins(agent) {
    const kept = new Map();
    // A host that is gone is waited for once, not for each thing that was done there.
    const gone = new Map();
    return {
        over: async (account, work, awaitKey = false) => {
            const { host, port, user, key } = account;
            const name = `${user}@${host}:${port} ${key}`;
            const over = async (client) => {
                try {
                    const result = await work(client);
                    const other = kept.get(name);
                    if (other !== client)
                        other?.end();
                    kept.set(name, client);
                    return result;
                }
                catch (error) {
                    kept.delete(name);
                    client.end();
                    throw error;
                }
            };
            const before = kept.get(name);
            if (before !== undefined) {
                try {
                    return await over(before);
                }
                catch {
                    // It may have been closed meanwhile.
                }
            }
            const known = gone.get(name);
            if (known !== undefined)
                throw known;
            try {
                return await withRetries(async () => over(await logInTo(account, agent)), awaitKey);
            }
            catch (error) {
                if (error instanceof _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru && UNREACHABLE.includes(error.code))
                    gone.set(name, error);
                throw error;
            }
        },
        end: () => {
            for (const client of kept.values())
                client.end();
        },
    };
}
async function logInTo({ host, port, user, hostKey, key }, agent) {
    const destination = { host, port, user, hostKey: Buffer.from(hostKey, 'base64') };
    const options = { ...destination, timeout: TEARDOWN_TIMEOUT };
    return logInWithJobKey(options, Buffer.from(key, 'base64'), agent);
}
async function withRetries(work, awaitKey) {
    for (let attempt = 0;; attempt += 1) {
        try {
            return await work();
        }
        catch (error) {
            const wait = BACKOFF[attempt];
            const code = error instanceof _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru ? error.code : '';
            const again = UNREACHABLE.includes(code) || (awaitKey && attempt === 0 && code === REFUSED);
            if (!again || wait === undefined)
                throw error;
            await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setTimeout)(wait);
        }
    }
}


/***/ }),

/***/ 7146:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   T: () => (/* binding */ oneLine)
/* harmony export */ });
/**
 * `text` without control characters: names and comments come from whoever asked the agent or made a
 * key, and no line of theirs may pass for a line of ours, or for a command to the runner.
 */
function oneLine(text) {
    return text.replace(/\p{Cc}+/gu, ' ');
}


/***/ }),

/***/ 6792:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

"use strict";
/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   O: () => (/* binding */ removeGranted),
/* harmony export */   r: () => (/* binding */ revoke)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8962);
/**
 * Taking the job's key out of authorized_keys again: by a login with the key itself, through the
 * agent's control channel, so that no password is kept.
 */


/**
 * @param append to the journal: that the line is being taken out
 * @throws TrustError with the line that is left, where it can't be removed
 */
async function revoke(granted, logins, append) {
    if (!granted.revoke) {
        return { outcome: 'nothing to undo', detail: `it stays, as asked; ${endOf(granted)}` };
    }
    if (logins === undefined)
        throw notRevoked(granted, 'the agent is gone');
    // Main has died, or failed, between its record and the host's word. (Of host trust it is another key.)
    const perhaps = granted.written !== true && granted.line.includes(granted.key);
    try {
        return await logins.over(granted, async (client) => {
            append({ ...granted, leaving: true });
            return removeGranted(client, granted);
        }, perhaps);
    }
    catch (error) {
        const refused = error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru && error.code === 'login-refused';
        if (refused && granted.leaving === true) {
            return { outcome: 'nothing to undo', detail: 'it was taken out before' };
        }
        if (refused && perhaps) {
            return { outcome: 'nothing to undo', detail: 'the key does not log in: it was not added yet' };
        }
        throw notRevoked(granted, (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)(error), error);
    }
}
function endOf({ expires }) {
    return expires === undefined ? 'it never expires' : `it expires at ${expires}`;
}
/** A host that refuses the key has perhaps lost the line by somebody else's hand. */
function notRevoked(granted, why, cause) {
    const { user, host, path = '~/.ssh/authorized_keys', line } = granted;
    const refused = cause instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru && cause.code === 'login-refused';
    const still = refused ? 'does not log in any more, and may still be' : 'is still';
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('revocation-failed', `The key ${still} in ${path} of ${user} at ${host}; ${endOf(granted)}. ${why}`, { hint: `Remove this line there${refused ? ', if it is there' : ''}: ${line}`, cause });
}
/** Removes the line over a connection that is there, with what was made for it. */
async function removeGranted(client, granted) {
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737)); // ssh2 takes long to load
    const { user, line, newlineMended, generated, created, path } = granted;
    let removed = 0;
    let left = 0;
    await editAuthorizedKeys(client, { user, mend: false, removeIfEmpty: created, ...(path === undefined ? {} : { path }) }, (content) => {
        // Whatever line holds a key that was made for this job is ours.
        const removal = (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .removeAuthorizedKey */ .Zj)(content, line, { newlineMended, changed: generated });
        removed = removal.removed.length;
        left = removal.left.length;
        return removed === 0 ? undefined : removal.content;
    });
    if (removed > 0)
        return { outcome: 'undone' };
    const detail = left > 0 ? 'somebody has changed the line; it stays' : 'the line was gone';
    return { outcome: 'nothing to undo', detail };
}


/***/ }),

/***/ 2613:
/***/ ((module) => {

"use strict";
module.exports = require("assert");

/***/ }),

/***/ 181:
/***/ ((module) => {

"use strict";
module.exports = require("buffer");

/***/ }),

/***/ 5317:
/***/ ((module) => {

"use strict";
module.exports = require("child_process");

/***/ }),

/***/ 6982:
/***/ ((module) => {

"use strict";
module.exports = require("crypto");

/***/ }),

/***/ 2250:
/***/ ((module) => {

"use strict";
module.exports = require("dns");

/***/ }),

/***/ 4434:
/***/ ((module) => {

"use strict";
module.exports = require("events");

/***/ }),

/***/ 9896:
/***/ ((module) => {

"use strict";
module.exports = require("fs");

/***/ }),

/***/ 8611:
/***/ ((module) => {

"use strict";
module.exports = require("http");

/***/ }),

/***/ 5692:
/***/ ((module) => {

"use strict";
module.exports = require("https");

/***/ }),

/***/ 9278:
/***/ ((module) => {

"use strict";
module.exports = require("net");

/***/ }),

/***/ 1421:
/***/ ((module) => {

"use strict";
module.exports = require("node:child_process");

/***/ }),

/***/ 7598:
/***/ ((module) => {

"use strict";
module.exports = require("node:crypto");

/***/ }),

/***/ 1553:
/***/ ((module) => {

"use strict";
module.exports = require("node:dns/promises");

/***/ }),

/***/ 3024:
/***/ ((module) => {

"use strict";
module.exports = require("node:fs");

/***/ }),

/***/ 7030:
/***/ ((module) => {

"use strict";
module.exports = require("node:net");

/***/ }),

/***/ 8161:
/***/ ((module) => {

"use strict";
module.exports = require("node:os");

/***/ }),

/***/ 6760:
/***/ ((module) => {

"use strict";
module.exports = require("node:path");

/***/ }),

/***/ 8500:
/***/ ((module) => {

"use strict";
module.exports = require("node:timers/promises");

/***/ }),

/***/ 7975:
/***/ ((module) => {

"use strict";
module.exports = require("node:util");

/***/ }),

/***/ 3429:
/***/ ((module) => {

"use strict";
module.exports = require("node:util/types");

/***/ }),

/***/ 6928:
/***/ ((module) => {

"use strict";
module.exports = require("path");

/***/ }),

/***/ 932:
/***/ ((module) => {

"use strict";
module.exports = require("process");

/***/ }),

/***/ 2203:
/***/ ((module) => {

"use strict";
module.exports = require("stream");

/***/ }),

/***/ 4756:
/***/ ((module) => {

"use strict";
module.exports = require("tls");

/***/ }),

/***/ 9023:
/***/ ((module) => {

"use strict";
module.exports = require("util");

/***/ }),

/***/ 3106:
/***/ ((module) => {

"use strict";
module.exports = require("zlib");

/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/******/ 	// expose the modules object (__webpack_modules__)
/******/ 	__nccwpck_require__.m = __webpack_modules__;
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/******/ 	/* webpack/runtime/compat get default export */
/******/ 	(() => {
/******/ 		// getDefaultExport function for compatibility with non-harmony modules
/******/ 		__nccwpck_require__.n = (module) => {
/******/ 			var getter = module && module.__esModule ?
/******/ 				() => (module['default']) :
/******/ 				() => (module);
/******/ 			__nccwpck_require__.d(getter, { a: getter });
/******/ 			return getter;
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/define property getters */
/******/ 	(() => {
/******/ 		// define getter functions for harmony exports
/******/ 		__nccwpck_require__.d = (exports, definition) => {
/******/ 			for(var key in definition) {
/******/ 				if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 					Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 				}
/******/ 			}
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/ensure chunk */
/******/ 	(() => {
/******/ 		__nccwpck_require__.f = {};
/******/ 		// This file contains only the entry chunk.
/******/ 		// The chunk loading function for additional chunks
/******/ 		__nccwpck_require__.e = (chunkId) => {
/******/ 			return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 				__nccwpck_require__.f[key](chunkId, promises);
/******/ 				return promises;
/******/ 			}, []));
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/get javascript chunk filename */
/******/ 	(() => {
/******/ 		// This function allow to reference async chunks
/******/ 		__nccwpck_require__.u = (chunkId) => {
/******/ 			// return url for filenames based on template
/******/ 			return "" + chunkId + ".index.js";
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/hasOwnProperty shorthand */
/******/ 	(() => {
/******/ 		__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/make namespace object */
/******/ 	(() => {
/******/ 		// define __esModule on exports
/******/ 		__nccwpck_require__.r = (exports) => {
/******/ 			if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 				Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 			}
/******/ 			Object.defineProperty(exports, '__esModule', { value: true });
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/require chunk loading */
/******/ 	(() => {
/******/ 		// no baseURI
/******/ 		
/******/ 		// object to store loaded chunks
/******/ 		// "1" means "loaded", otherwise not loaded yet
/******/ 		var installedChunks = {
/******/ 			792: 1
/******/ 		};
/******/ 		
/******/ 		// no on chunks loaded
/******/ 		
/******/ 		var installChunk = (chunk) => {
/******/ 			var moreModules = chunk.modules, chunkIds = chunk.ids, runtime = chunk.runtime;
/******/ 			for(var moduleId in moreModules) {
/******/ 				if(__nccwpck_require__.o(moreModules, moduleId)) {
/******/ 					__nccwpck_require__.m[moduleId] = moreModules[moduleId];
/******/ 				}
/******/ 			}
/******/ 			if(runtime) runtime(__nccwpck_require__);
/******/ 			for(var i = 0; i < chunkIds.length; i++)
/******/ 				installedChunks[chunkIds[i]] = 1;
/******/ 		
/******/ 		};
/******/ 		
/******/ 		// require() chunk loading for javascript
/******/ 		__nccwpck_require__.f.require = (chunkId, promises) => {
/******/ 			// "1" is the signal for "already loaded"
/******/ 			if(!installedChunks[chunkId]) {
/******/ 				if(true) { // all chunks have JS
/******/ 					installChunk(require("./" + __nccwpck_require__.u(chunkId)));
/******/ 				} else installedChunks[chunkId] = 1;
/******/ 			}
/******/ 		};
/******/ 		
/******/ 		// no external install chunk
/******/ 		
/******/ 		// no HMR
/******/ 		
/******/ 		// no HMR manifest
/******/ 	})();
/******/ 	
/************************************************************************/
var __webpack_exports__ = {};
// This entry need to be wrapped in an IIFE because it need to be in strict mode.
(() => {
"use strict";

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
;// CONCATENATED MODULE: external "os"
const external_os_namespaceObject = require("os");
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/utils.js
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */
/**
 * Sanitizes an input into a string so it can be passed into issueCommand safely
 * @param input input to sanitize into a string
 */
function toCommandValue(input) {
    if (input === null || input === undefined) {
        return '';
    }
    else if (typeof input === 'string' || input instanceof String) {
        return input;
    }
    return JSON.stringify(input);
}
/**
 *
 * @param annotationProperties
 * @returns The command properties to send with the actual annotation command
 * See IssueCommandProperties: https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs#L646
 */
function utils_toCommandProperties(annotationProperties) {
    if (!Object.keys(annotationProperties).length) {
        return {};
    }
    return {
        title: annotationProperties.title,
        file: annotationProperties.file,
        line: annotationProperties.startLine,
        endLine: annotationProperties.endLine,
        col: annotationProperties.startColumn,
        endColumn: annotationProperties.endColumn
    };
}
//# sourceMappingURL=utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/command.js


/**
 * Issues a command to the GitHub Actions runner
 *
 * @param command - The command name to issue
 * @param properties - Additional properties for the command (key-value pairs)
 * @param message - The message to include with the command
 * @remarks
 * This function outputs a specially formatted string to stdout that the Actions
 * runner interprets as a command. These commands can control workflow behavior,
 * set outputs, create annotations, mask values, and more.
 *
 * Command Format:
 *   ::name key=value,key=value::message
 *
 * @example
 * ```typescript
 * // Issue a warning annotation
 * issueCommand('warning', {}, 'This is a warning message');
 * // Output: ::warning::This is a warning message
 *
 * // Set an environment variable
 * issueCommand('set-env', { name: 'MY_VAR' }, 'some value');
 * // Output: ::set-env name=MY_VAR::some value
 *
 * // Add a secret mask
 * issueCommand('add-mask', {}, 'secretValue123');
 * // Output: ::add-mask::secretValue123
 * ```
 *
 * @internal
 * This is an internal utility function that powers the public API functions
 * such as setSecret, warning, error, and exportVariable.
 */
function command_issueCommand(command, properties, message) {
    const cmd = new Command(command, properties, message);
    process.stdout.write(cmd.toString() + external_os_namespaceObject.EOL);
}
function command_issue(name, message = '') {
    command_issueCommand(name, {}, message);
}
const CMD_STRING = '::';
class Command {
    constructor(command, properties, message) {
        if (!command) {
            command = 'missing.command';
        }
        this.command = command;
        this.properties = properties;
        this.message = message;
    }
    toString() {
        let cmdStr = CMD_STRING + this.command;
        if (this.properties && Object.keys(this.properties).length > 0) {
            cmdStr += ' ';
            let first = true;
            for (const key in this.properties) {
                if (this.properties.hasOwnProperty(key)) {
                    const val = this.properties[key];
                    if (val) {
                        if (first) {
                            first = false;
                        }
                        else {
                            cmdStr += ',';
                        }
                        cmdStr += `${key}=${escapeProperty(val)}`;
                    }
                }
            }
        }
        cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
        return cmdStr;
    }
}
function escapeData(s) {
    return toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A');
}
function escapeProperty(s) {
    return toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A')
        .replace(/:/g, '%3A')
        .replace(/,/g, '%2C');
}
//# sourceMappingURL=command.js.map
// EXTERNAL MODULE: external "crypto"
var external_crypto_ = __nccwpck_require__(6982);
// EXTERNAL MODULE: external "fs"
var external_fs_ = __nccwpck_require__(9896);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/file-command.js
// For internal use, subject to change.
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */




function file_command_issueFileCommand(command, message) {
    const filePath = process.env[`GITHUB_${command}`];
    if (!filePath) {
        throw new Error(`Unable to find environment variable for file command ${command}`);
    }
    if (!external_fs_.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    external_fs_.appendFileSync(filePath, `${toCommandValue(message)}${external_os_namespaceObject.EOL}`, {
        encoding: 'utf8'
    });
}
function prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${external_crypto_.randomUUID()}`;
    const convertedValue = toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${external_os_namespaceObject.EOL}${convertedValue}${external_os_namespaceObject.EOL}${delimiter}`;
}
//# sourceMappingURL=file-command.js.map
// EXTERNAL MODULE: external "path"
var external_path_ = __nccwpck_require__(6928);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/oidc-utils.js
var __awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};



class oidc_utils_OidcClient {
    static createHttpClient(allowRetry = true, maxRetry = 10) {
        const requestOptions = {
            allowRetries: allowRetry,
            maxRetries: maxRetry
        };
        return new HttpClient('actions/oidc-client', [new BearerCredentialHandler(oidc_utils_OidcClient.getRequestToken())], requestOptions);
    }
    static getRequestToken() {
        const token = process.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
        if (!token) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_TOKEN env variable');
        }
        return token;
    }
    static getIDTokenUrl() {
        const runtimeUrl = process.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
        if (!runtimeUrl) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable');
        }
        return runtimeUrl;
    }
    static getCall(id_token_url) {
        return __awaiter(this, void 0, void 0, function* () {
            var _a;
            const httpclient = oidc_utils_OidcClient.createHttpClient();
            const res = yield httpclient
                .getJson(id_token_url)
                .catch(error => {
                throw new Error(`Failed to get ID Token. \n 
        Error Code : ${error.statusCode}\n 
        Error Message: ${error.message}`);
            });
            const id_token = (_a = res.result) === null || _a === void 0 ? void 0 : _a.value;
            if (!id_token) {
                throw new Error('Response json body do not have ID Token field');
            }
            return id_token;
        });
    }
    static getIDToken(audience) {
        return __awaiter(this, void 0, void 0, function* () {
            try {
                // New ID Token is requested from action service
                let id_token_url = oidc_utils_OidcClient.getIDTokenUrl();
                if (audience) {
                    const encodedAudience = encodeURIComponent(audience);
                    id_token_url = `${id_token_url}&audience=${encodedAudience}`;
                }
                debug(`ID token url is ${id_token_url}`);
                const id_token = yield oidc_utils_OidcClient.getCall(id_token_url);
                setSecret(id_token);
                return id_token;
            }
            catch (error) {
                throw new Error(`Error message: ${error.message}`);
            }
        });
    }
}
//# sourceMappingURL=oidc-utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/summary.js
var summary_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const { access, appendFile, writeFile } = external_fs_.promises;
const SUMMARY_ENV_VAR = 'GITHUB_STEP_SUMMARY';
const SUMMARY_DOCS_URL = 'https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-job-summary';
class Summary {
    constructor() {
        this._buffer = '';
    }
    /**
     * Finds the summary file path from the environment, rejects if env var is not found or file does not exist
     * Also checks r/w permissions.
     *
     * @returns step summary file path
     */
    filePath() {
        return summary_awaiter(this, void 0, void 0, function* () {
            if (this._filePath) {
                return this._filePath;
            }
            const pathFromEnv = process.env[SUMMARY_ENV_VAR];
            if (!pathFromEnv) {
                throw new Error(`Unable to find environment variable for $${SUMMARY_ENV_VAR}. Check if your runtime environment supports job summaries.`);
            }
            try {
                yield access(pathFromEnv, external_fs_.constants.R_OK | external_fs_.constants.W_OK);
            }
            catch (_a) {
                throw new Error(`Unable to access summary file: '${pathFromEnv}'. Check if the file has correct read/write permissions.`);
            }
            this._filePath = pathFromEnv;
            return this._filePath;
        });
    }
    /**
     * Wraps content in an HTML tag, adding any HTML attributes
     *
     * @param {string} tag HTML tag to wrap
     * @param {string | null} content content within the tag
     * @param {[attribute: string]: string} attrs key-value list of HTML attributes to add
     *
     * @returns {string} content wrapped in HTML element
     */
    wrap(tag, content, attrs = {}) {
        const htmlAttrs = Object.entries(attrs)
            .map(([key, value]) => ` ${key}="${value}"`)
            .join('');
        if (!content) {
            return `<${tag}${htmlAttrs}>`;
        }
        return `<${tag}${htmlAttrs}>${content}</${tag}>`;
    }
    /**
     * Writes text in the buffer to the summary buffer file and empties buffer. Will append by default.
     *
     * @param {SummaryWriteOptions} [options] (optional) options for write operation
     *
     * @returns {Promise<Summary>} summary instance
     */
    write(options) {
        return summary_awaiter(this, void 0, void 0, function* () {
            const overwrite = !!(options === null || options === void 0 ? void 0 : options.overwrite);
            const filePath = yield this.filePath();
            const writeFunc = overwrite ? writeFile : appendFile;
            yield writeFunc(filePath, this._buffer, { encoding: 'utf8' });
            return this.emptyBuffer();
        });
    }
    /**
     * Clears the summary buffer and wipes the summary file
     *
     * @returns {Summary} summary instance
     */
    clear() {
        return summary_awaiter(this, void 0, void 0, function* () {
            return this.emptyBuffer().write({ overwrite: true });
        });
    }
    /**
     * Returns the current summary buffer as a string
     *
     * @returns {string} string of summary buffer
     */
    stringify() {
        return this._buffer;
    }
    /**
     * If the summary buffer is empty
     *
     * @returns {boolen} true if the buffer is empty
     */
    isEmptyBuffer() {
        return this._buffer.length === 0;
    }
    /**
     * Resets the summary buffer without writing to summary file
     *
     * @returns {Summary} summary instance
     */
    emptyBuffer() {
        this._buffer = '';
        return this;
    }
    /**
     * Adds raw text to the summary buffer
     *
     * @param {string} text content to add
     * @param {boolean} [addEOL=false] (optional) append an EOL to the raw text (default: false)
     *
     * @returns {Summary} summary instance
     */
    addRaw(text, addEOL = false) {
        this._buffer += text;
        return addEOL ? this.addEOL() : this;
    }
    /**
     * Adds the operating system-specific end-of-line marker to the buffer
     *
     * @returns {Summary} summary instance
     */
    addEOL() {
        return this.addRaw(external_os_namespaceObject.EOL);
    }
    /**
     * Adds an HTML codeblock to the summary buffer
     *
     * @param {string} code content to render within fenced code block
     * @param {string} lang (optional) language to syntax highlight code
     *
     * @returns {Summary} summary instance
     */
    addCodeBlock(code, lang) {
        const attrs = Object.assign({}, (lang && { lang }));
        const element = this.wrap('pre', this.wrap('code', code), attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML list to the summary buffer
     *
     * @param {string[]} items list of items to render
     * @param {boolean} [ordered=false] (optional) if the rendered list should be ordered or not (default: false)
     *
     * @returns {Summary} summary instance
     */
    addList(items, ordered = false) {
        const tag = ordered ? 'ol' : 'ul';
        const listItems = items.map(item => this.wrap('li', item)).join('');
        const element = this.wrap(tag, listItems);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML table to the summary buffer
     *
     * @param {SummaryTableCell[]} rows table rows
     *
     * @returns {Summary} summary instance
     */
    addTable(rows) {
        const tableBody = rows
            .map(row => {
            const cells = row
                .map(cell => {
                if (typeof cell === 'string') {
                    return this.wrap('td', cell);
                }
                const { header, data, colspan, rowspan } = cell;
                const tag = header ? 'th' : 'td';
                const attrs = Object.assign(Object.assign({}, (colspan && { colspan })), (rowspan && { rowspan }));
                return this.wrap(tag, data, attrs);
            })
                .join('');
            return this.wrap('tr', cells);
        })
            .join('');
        const element = this.wrap('table', tableBody);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds a collapsable HTML details element to the summary buffer
     *
     * @param {string} label text for the closed state
     * @param {string} content collapsable content
     *
     * @returns {Summary} summary instance
     */
    addDetails(label, content) {
        const element = this.wrap('details', this.wrap('summary', label) + content);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML image tag to the summary buffer
     *
     * @param {string} src path to the image you to embed
     * @param {string} alt text description of the image
     * @param {SummaryImageOptions} options (optional) addition image attributes
     *
     * @returns {Summary} summary instance
     */
    addImage(src, alt, options) {
        const { width, height } = options || {};
        const attrs = Object.assign(Object.assign({}, (width && { width })), (height && { height }));
        const element = this.wrap('img', null, Object.assign({ src, alt }, attrs));
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML section heading element
     *
     * @param {string} text heading text
     * @param {number | string} [level=1] (optional) the heading level, default: 1
     *
     * @returns {Summary} summary instance
     */
    addHeading(text, level) {
        const tag = `h${level}`;
        const allowedTag = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].includes(tag)
            ? tag
            : 'h1';
        const element = this.wrap(allowedTag, text);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML thematic break (<hr>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addSeparator() {
        const element = this.wrap('hr', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML line break (<br>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addBreak() {
        const element = this.wrap('br', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML blockquote to the summary buffer
     *
     * @param {string} text quote text
     * @param {string} cite (optional) citation url
     *
     * @returns {Summary} summary instance
     */
    addQuote(text, cite) {
        const attrs = Object.assign({}, (cite && { cite }));
        const element = this.wrap('blockquote', text, attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML anchor tag to the summary buffer
     *
     * @param {string} text link text/content
     * @param {string} href hyperlink
     *
     * @returns {Summary} summary instance
     */
    addLink(text, href) {
        const element = this.wrap('a', text, { href });
        return this.addRaw(element).addEOL();
    }
}
const _summary = new Summary();
/**
 * @deprecated use `core.summary`
 */
const markdownSummary = (/* unused pure expression or super */ null && (_summary));
const summary = (/* unused pure expression or super */ null && (_summary));
//# sourceMappingURL=summary.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/path-utils.js

/**
 * toPosixPath converts the given path to the posix form. On Windows, \\ will be
 * replaced with /.
 *
 * @param pth. Path to transform.
 * @return string Posix path.
 */
function toPosixPath(pth) {
    return pth.replace(/[\\]/g, '/');
}
/**
 * toWin32Path converts the given path to the win32 form. On Linux, / will be
 * replaced with \\.
 *
 * @param pth. Path to transform.
 * @return string Win32 path.
 */
function toWin32Path(pth) {
    return pth.replace(/[/]/g, '\\');
}
/**
 * toPlatformPath converts the given path to a platform-specific path. It does
 * this by replacing instances of / and \ with the platform-specific path
 * separator.
 *
 * @param pth The path to platformize.
 * @return string The platform-specific path.
 */
function toPlatformPath(pth) {
    return pth.replace(/[/\\]/g, path.sep);
}
//# sourceMappingURL=path-utils.js.map
;// CONCATENATED MODULE: external "string_decoder"
const external_string_decoder_namespaceObject = require("string_decoder");
// EXTERNAL MODULE: external "events"
var external_events_ = __nccwpck_require__(4434);
// EXTERNAL MODULE: external "child_process"
var external_child_process_ = __nccwpck_require__(5317);
// EXTERNAL MODULE: external "assert"
var external_assert_ = __nccwpck_require__(2613);
;// CONCATENATED MODULE: ./node_modules/@actions/io/lib/io-util.js
var io_util_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const { chmod, copyFile, lstat, mkdir, open: io_util_open, readdir, rename, rm, rmdir, stat, symlink, unlink } = external_fs_.promises;
// export const {open} = 'fs'
const IS_WINDOWS = process.platform === 'win32';
/**
 * Custom implementation of readlink to ensure Windows junctions
 * maintain trailing backslash for backward compatibility with Node.js < 24
 *
 * In Node.js 20, Windows junctions (directory symlinks) always returned paths
 * with trailing backslashes. Node.js 24 removed this behavior, which breaks
 * code that relied on this format for path operations.
 *
 * This implementation restores the Node 20 behavior by adding a trailing
 * backslash to all junction results on Windows.
 */
function readlink(fsPath) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        const result = yield fs.promises.readlink(fsPath);
        // On Windows, restore Node 20 behavior: add trailing backslash to all results
        // since junctions on Windows are always directory links
        if (IS_WINDOWS && !result.endsWith('\\')) {
            return `${result}\\`;
        }
        return result;
    });
}
// See https://github.com/nodejs/node/blob/d0153aee367422d0858105abec186da4dff0a0c5/deps/uv/include/uv/win.h#L691
const UV_FS_O_EXLOCK = 0x10000000;
const READONLY = external_fs_.constants.O_RDONLY;
function exists(fsPath) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        try {
            yield stat(fsPath);
        }
        catch (err) {
            if (err.code === 'ENOENT') {
                return false;
            }
            throw err;
        }
        return true;
    });
}
function isDirectory(fsPath_1) {
    return io_util_awaiter(this, arguments, void 0, function* (fsPath, useStat = false) {
        const stats = useStat ? yield stat(fsPath) : yield lstat(fsPath);
        return stats.isDirectory();
    });
}
/**
 * On OSX/Linux, true if path starts with '/'. On Windows, true for paths like:
 * \, \hello, \\hello\share, C:, and C:\hello (and corresponding alternate separator cases).
 */
function isRooted(p) {
    p = normalizeSeparators(p);
    if (!p) {
        throw new Error('isRooted() parameter "p" cannot be empty');
    }
    if (IS_WINDOWS) {
        return (p.startsWith('\\') || /^[A-Z]:/i.test(p) // e.g. \ or \hello or \\hello
        ); // e.g. C: or C:\hello
    }
    return p.startsWith('/');
}
/**
 * Best effort attempt to determine whether a file exists and is executable.
 * @param filePath    file path to check
 * @param extensions  additional file extensions to try
 * @return if file exists and is executable, returns the file path. otherwise empty string.
 */
function tryGetExecutablePath(filePath, extensions) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        let stats = undefined;
        try {
            // test file exists
            stats = yield stat(filePath);
        }
        catch (err) {
            if (err.code !== 'ENOENT') {
                // eslint-disable-next-line no-console
                console.log(`Unexpected error attempting to determine if executable file exists '${filePath}': ${err}`);
            }
        }
        if (stats && stats.isFile()) {
            if (IS_WINDOWS) {
                // on Windows, test for valid extension
                const upperExt = external_path_.extname(filePath).toUpperCase();
                if (extensions.some(validExt => validExt.toUpperCase() === upperExt)) {
                    return filePath;
                }
            }
            else {
                if (isUnixExecutable(stats)) {
                    return filePath;
                }
            }
        }
        // try each extension
        const originalFilePath = filePath;
        for (const extension of extensions) {
            filePath = originalFilePath + extension;
            stats = undefined;
            try {
                stats = yield stat(filePath);
            }
            catch (err) {
                if (err.code !== 'ENOENT') {
                    // eslint-disable-next-line no-console
                    console.log(`Unexpected error attempting to determine if executable file exists '${filePath}': ${err}`);
                }
            }
            if (stats && stats.isFile()) {
                if (IS_WINDOWS) {
                    // preserve the case of the actual file (since an extension was appended)
                    try {
                        const directory = external_path_.dirname(filePath);
                        const upperName = external_path_.basename(filePath).toUpperCase();
                        for (const actualName of yield readdir(directory)) {
                            if (upperName === actualName.toUpperCase()) {
                                filePath = external_path_.join(directory, actualName);
                                break;
                            }
                        }
                    }
                    catch (err) {
                        // eslint-disable-next-line no-console
                        console.log(`Unexpected error attempting to determine the actual case of the file '${filePath}': ${err}`);
                    }
                    return filePath;
                }
                else {
                    if (isUnixExecutable(stats)) {
                        return filePath;
                    }
                }
            }
        }
        return '';
    });
}
function normalizeSeparators(p) {
    p = p || '';
    if (IS_WINDOWS) {
        // convert slashes on Windows
        p = p.replace(/\//g, '\\');
        // remove redundant slashes
        return p.replace(/\\\\+/g, '\\');
    }
    // remove redundant slashes
    return p.replace(/\/\/+/g, '/');
}
// on Mac/Linux, test the execute bit
//     R   W  X  R  W X R W X
//   256 128 64 32 16 8 4 2 1
function isUnixExecutable(stats) {
    return ((stats.mode & 1) > 0 ||
        ((stats.mode & 8) > 0 &&
            process.getgid !== undefined &&
            stats.gid === process.getgid()) ||
        ((stats.mode & 64) > 0 &&
            process.getuid !== undefined &&
            stats.uid === process.getuid()));
}
// Get the path of cmd.exe in windows
function getCmdPath() {
    var _a;
    return (_a = process.env['COMSPEC']) !== null && _a !== void 0 ? _a : `cmd.exe`;
}
//# sourceMappingURL=io-util.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/io/lib/io.js
var io_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};



/**
 * Copies a file or folder.
 * Based off of shelljs - https://github.com/shelljs/shelljs/blob/9237f66c52e5daa40458f94f9565e18e8132f5a6/src/cp.js
 *
 * @param     source    source path
 * @param     dest      destination path
 * @param     options   optional. See CopyOptions.
 */
function cp(source_1, dest_1) {
    return io_awaiter(this, arguments, void 0, function* (source, dest, options = {}) {
        const { force, recursive, copySourceDirectory } = readCopyOptions(options);
        const destStat = (yield ioUtil.exists(dest)) ? yield ioUtil.stat(dest) : null;
        // Dest is an existing file, but not forcing
        if (destStat && destStat.isFile() && !force) {
            return;
        }
        // If dest is an existing directory, should copy inside.
        const newDest = destStat && destStat.isDirectory() && copySourceDirectory
            ? path.join(dest, path.basename(source))
            : dest;
        if (!(yield ioUtil.exists(source))) {
            throw new Error(`no such file or directory: ${source}`);
        }
        const sourceStat = yield ioUtil.stat(source);
        if (sourceStat.isDirectory()) {
            if (!recursive) {
                throw new Error(`Failed to copy. ${source} is a directory, but tried to copy without recursive flag.`);
            }
            else {
                yield cpDirRecursive(source, newDest, 0, force);
            }
        }
        else {
            if (path.relative(source, newDest) === '') {
                // a file cannot be copied to itself
                throw new Error(`'${newDest}' and '${source}' are the same file`);
            }
            yield io_copyFile(source, newDest, force);
        }
    });
}
/**
 * Moves a path.
 *
 * @param     source    source path
 * @param     dest      destination path
 * @param     options   optional. See MoveOptions.
 */
function mv(source_1, dest_1) {
    return io_awaiter(this, arguments, void 0, function* (source, dest, options = {}) {
        if (yield ioUtil.exists(dest)) {
            let destExists = true;
            if (yield ioUtil.isDirectory(dest)) {
                // If dest is directory copy src into dest
                dest = path.join(dest, path.basename(source));
                destExists = yield ioUtil.exists(dest);
            }
            if (destExists) {
                if (options.force == null || options.force) {
                    yield rmRF(dest);
                }
                else {
                    throw new Error('Destination already exists');
                }
            }
        }
        yield mkdirP(path.dirname(dest));
        yield ioUtil.rename(source, dest);
    });
}
/**
 * Remove a path recursively with force
 *
 * @param inputPath path to remove
 */
function rmRF(inputPath) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (ioUtil.IS_WINDOWS) {
            // Check for invalid characters
            // https://docs.microsoft.com/en-us/windows/win32/fileio/naming-a-file
            if (/[*"<>|]/.test(inputPath)) {
                throw new Error('File path must not contain `*`, `"`, `<`, `>` or `|` on Windows');
            }
        }
        try {
            // note if path does not exist, error is silent
            yield ioUtil.rm(inputPath, {
                force: true,
                maxRetries: 3,
                recursive: true,
                retryDelay: 300
            });
        }
        catch (err) {
            throw new Error(`File was unable to be removed ${err}`);
        }
    });
}
/**
 * Make a directory.  Creates the full path with folders in between
 * Will throw if it fails
 *
 * @param   fsPath        path to create
 * @returns Promise<void>
 */
function mkdirP(fsPath) {
    return io_awaiter(this, void 0, void 0, function* () {
        ok(fsPath, 'a path argument must be provided');
        yield ioUtil.mkdir(fsPath, { recursive: true });
    });
}
/**
 * Returns path of a tool had the tool actually been invoked.  Resolves via paths.
 * If you check and the tool does not exist, it will throw.
 *
 * @param     tool              name of the tool
 * @param     check             whether to check if tool exists
 * @returns   Promise<string>   path to tool
 */
function which(tool, check) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (!tool) {
            throw new Error("parameter 'tool' is required");
        }
        // recursive when check=true
        if (check) {
            const result = yield which(tool, false);
            if (!result) {
                if (IS_WINDOWS) {
                    throw new Error(`Unable to locate executable file: ${tool}. Please verify either the file path exists or the file can be found within a directory specified by the PATH environment variable. Also verify the file has a valid extension for an executable file.`);
                }
                else {
                    throw new Error(`Unable to locate executable file: ${tool}. Please verify either the file path exists or the file can be found within a directory specified by the PATH environment variable. Also check the file mode to verify the file is executable.`);
                }
            }
            return result;
        }
        const matches = yield findInPath(tool);
        if (matches && matches.length > 0) {
            return matches[0];
        }
        return '';
    });
}
/**
 * Returns a list of all occurrences of the given tool on the system path.
 *
 * @returns   Promise<string[]>  the paths of the tool
 */
function findInPath(tool) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (!tool) {
            throw new Error("parameter 'tool' is required");
        }
        // build the list of extensions to try
        const extensions = [];
        if (IS_WINDOWS && process.env['PATHEXT']) {
            for (const extension of process.env['PATHEXT'].split(external_path_.delimiter)) {
                if (extension) {
                    extensions.push(extension);
                }
            }
        }
        // if it's rooted, return it if exists. otherwise return empty.
        if (isRooted(tool)) {
            const filePath = yield tryGetExecutablePath(tool, extensions);
            if (filePath) {
                return [filePath];
            }
            return [];
        }
        // if any path separators, return empty
        if (tool.includes(external_path_.sep)) {
            return [];
        }
        // build the list of directories
        //
        // Note, technically "where" checks the current directory on Windows. From a toolkit perspective,
        // it feels like we should not do this. Checking the current directory seems like more of a use
        // case of a shell, and the which() function exposed by the toolkit should strive for consistency
        // across platforms.
        const directories = [];
        if (process.env.PATH) {
            for (const p of process.env.PATH.split(external_path_.delimiter)) {
                if (p) {
                    directories.push(p);
                }
            }
        }
        // find all matches
        const matches = [];
        for (const directory of directories) {
            const filePath = yield tryGetExecutablePath(external_path_.join(directory, tool), extensions);
            if (filePath) {
                matches.push(filePath);
            }
        }
        return matches;
    });
}
function readCopyOptions(options) {
    const force = options.force == null ? true : options.force;
    const recursive = Boolean(options.recursive);
    const copySourceDirectory = options.copySourceDirectory == null
        ? true
        : Boolean(options.copySourceDirectory);
    return { force, recursive, copySourceDirectory };
}
function cpDirRecursive(sourceDir, destDir, currentDepth, force) {
    return io_awaiter(this, void 0, void 0, function* () {
        // Ensure there is not a run away recursive copy
        if (currentDepth >= 255)
            return;
        currentDepth++;
        yield mkdirP(destDir);
        const files = yield ioUtil.readdir(sourceDir);
        for (const fileName of files) {
            const srcFile = `${sourceDir}/${fileName}`;
            const destFile = `${destDir}/${fileName}`;
            const srcFileStat = yield ioUtil.lstat(srcFile);
            if (srcFileStat.isDirectory()) {
                // Recurse
                yield cpDirRecursive(srcFile, destFile, currentDepth, force);
            }
            else {
                yield io_copyFile(srcFile, destFile, force);
            }
        }
        // Change the mode for the newly created directory
        yield ioUtil.chmod(destDir, (yield ioUtil.stat(sourceDir)).mode);
    });
}
// Buffered file copy
function io_copyFile(srcFile, destFile, force) {
    return io_awaiter(this, void 0, void 0, function* () {
        if ((yield ioUtil.lstat(srcFile)).isSymbolicLink()) {
            // unlink/re-link it
            try {
                yield ioUtil.lstat(destFile);
                yield ioUtil.unlink(destFile);
            }
            catch (e) {
                // Try to override file permission
                if (e.code === 'EPERM') {
                    yield ioUtil.chmod(destFile, '0666');
                    yield ioUtil.unlink(destFile);
                }
                // other errors = it doesn't exist, no work to do
            }
            // Copy over symlink
            const symlinkFull = yield ioUtil.readlink(srcFile);
            yield ioUtil.symlink(symlinkFull, destFile, ioUtil.IS_WINDOWS ? 'junction' : null);
        }
        else if (!(yield ioUtil.exists(destFile)) || force) {
            yield ioUtil.copyFile(srcFile, destFile);
        }
    });
}
//# sourceMappingURL=io.js.map
;// CONCATENATED MODULE: external "timers"
const external_timers_namespaceObject = require("timers");
;// CONCATENATED MODULE: ./node_modules/@actions/exec/lib/toolrunner.js
var toolrunner_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};







/* eslint-disable @typescript-eslint/unbound-method */
const toolrunner_IS_WINDOWS = process.platform === 'win32';
/*
 * Class for running command line tools. Handles quoting and arg parsing in a platform agnostic way.
 */
class ToolRunner extends external_events_.EventEmitter {
    constructor(toolPath, args, options) {
        super();
        if (!toolPath) {
            throw new Error("Parameter 'toolPath' cannot be null or empty.");
        }
        this.toolPath = toolPath;
        this.args = args || [];
        this.options = options || {};
    }
    _debug(message) {
        if (this.options.listeners && this.options.listeners.debug) {
            this.options.listeners.debug(message);
        }
    }
    _getCommandString(options, noPrefix) {
        const toolPath = this._getSpawnFileName();
        const args = this._getSpawnArgs(options);
        let cmd = noPrefix ? '' : '[command]'; // omit prefix when piped to a second tool
        if (toolrunner_IS_WINDOWS) {
            // Windows + cmd file
            if (this._isCmdFile()) {
                cmd += toolPath;
                for (const a of args) {
                    cmd += ` ${a}`;
                }
            }
            // Windows + verbatim
            else if (options.windowsVerbatimArguments) {
                cmd += `"${toolPath}"`;
                for (const a of args) {
                    cmd += ` ${a}`;
                }
            }
            // Windows (regular)
            else {
                cmd += this._windowsQuoteCmdArg(toolPath);
                for (const a of args) {
                    cmd += ` ${this._windowsQuoteCmdArg(a)}`;
                }
            }
        }
        else {
            // OSX/Linux - this can likely be improved with some form of quoting.
            // creating processes on Unix is fundamentally different than Windows.
            // on Unix, execvp() takes an arg array.
            cmd += toolPath;
            for (const a of args) {
                cmd += ` ${a}`;
            }
        }
        return cmd;
    }
    _processLineBuffer(data, strBuffer, onLine) {
        try {
            let s = strBuffer + data.toString();
            let n = s.indexOf(external_os_namespaceObject.EOL);
            while (n > -1) {
                const line = s.substring(0, n);
                onLine(line);
                // the rest of the string ...
                s = s.substring(n + external_os_namespaceObject.EOL.length);
                n = s.indexOf(external_os_namespaceObject.EOL);
            }
            return s;
        }
        catch (err) {
            // streaming lines to console is best effort.  Don't fail a build.
            this._debug(`error processing line. Failed with error ${err}`);
            return '';
        }
    }
    _getSpawnFileName() {
        if (toolrunner_IS_WINDOWS) {
            if (this._isCmdFile()) {
                return process.env['COMSPEC'] || 'cmd.exe';
            }
        }
        return this.toolPath;
    }
    _getSpawnArgs(options) {
        if (toolrunner_IS_WINDOWS) {
            if (this._isCmdFile()) {
                let argline = `/D /S /C "${this._windowsQuoteCmdArg(this.toolPath)}`;
                for (const a of this.args) {
                    argline += ' ';
                    argline += options.windowsVerbatimArguments
                        ? a
                        : this._windowsQuoteCmdArg(a);
                }
                argline += '"';
                return [argline];
            }
        }
        return this.args;
    }
    _endsWith(str, end) {
        return str.endsWith(end);
    }
    _isCmdFile() {
        const upperToolPath = this.toolPath.toUpperCase();
        return (this._endsWith(upperToolPath, '.CMD') ||
            this._endsWith(upperToolPath, '.BAT'));
    }
    _windowsQuoteCmdArg(arg) {
        // for .exe, apply the normal quoting rules that libuv applies
        if (!this._isCmdFile()) {
            return this._uvQuoteCmdArg(arg);
        }
        // otherwise apply quoting rules specific to the cmd.exe command line parser.
        // the libuv rules are generic and are not designed specifically for cmd.exe
        // command line parser.
        //
        // for a detailed description of the cmd.exe command line parser, refer to
        // http://stackoverflow.com/questions/4094699/how-does-the-windows-command-interpreter-cmd-exe-parse-scripts/7970912#7970912
        // need quotes for empty arg
        if (!arg) {
            return '""';
        }
        // determine whether the arg needs to be quoted
        const cmdSpecialChars = [
            ' ',
            '\t',
            '&',
            '(',
            ')',
            '[',
            ']',
            '{',
            '}',
            '^',
            '=',
            ';',
            '!',
            "'",
            '+',
            ',',
            '`',
            '~',
            '|',
            '<',
            '>',
            '"'
        ];
        let needsQuotes = false;
        for (const char of arg) {
            if (cmdSpecialChars.some(x => x === char)) {
                needsQuotes = true;
                break;
            }
        }
        // short-circuit if quotes not needed
        if (!needsQuotes) {
            return arg;
        }
        // the following quoting rules are very similar to the rules that by libuv applies.
        //
        // 1) wrap the string in quotes
        //
        // 2) double-up quotes - i.e. " => ""
        //
        //    this is different from the libuv quoting rules. libuv replaces " with \", which unfortunately
        //    doesn't work well with a cmd.exe command line.
        //
        //    note, replacing " with "" also works well if the arg is passed to a downstream .NET console app.
        //    for example, the command line:
        //          foo.exe "myarg:""my val"""
        //    is parsed by a .NET console app into an arg array:
        //          [ "myarg:\"my val\"" ]
        //    which is the same end result when applying libuv quoting rules. although the actual
        //    command line from libuv quoting rules would look like:
        //          foo.exe "myarg:\"my val\""
        //
        // 3) double-up slashes that precede a quote,
        //    e.g.  hello \world    => "hello \world"
        //          hello\"world    => "hello\\""world"
        //          hello\\"world   => "hello\\\\""world"
        //          hello world\    => "hello world\\"
        //
        //    technically this is not required for a cmd.exe command line, or the batch argument parser.
        //    the reasons for including this as a .cmd quoting rule are:
        //
        //    a) this is optimized for the scenario where the argument is passed from the .cmd file to an
        //       external program. many programs (e.g. .NET console apps) rely on the slash-doubling rule.
        //
        //    b) it's what we've been doing previously (by deferring to node default behavior) and we
        //       haven't heard any complaints about that aspect.
        //
        // note, a weakness of the quoting rules chosen here, is that % is not escaped. in fact, % cannot be
        // escaped when used on the command line directly - even though within a .cmd file % can be escaped
        // by using %%.
        //
        // the saving grace is, on the command line, %var% is left as-is if var is not defined. this contrasts
        // the line parsing rules within a .cmd file, where if var is not defined it is replaced with nothing.
        //
        // one option that was explored was replacing % with ^% - i.e. %var% => ^%var^%. this hack would
        // often work, since it is unlikely that var^ would exist, and the ^ character is removed when the
        // variable is used. the problem, however, is that ^ is not removed when %* is used to pass the args
        // to an external program.
        //
        // an unexplored potential solution for the % escaping problem, is to create a wrapper .cmd file.
        // % can be escaped within a .cmd file.
        let reverse = '"';
        let quoteHit = true;
        for (let i = arg.length; i > 0; i--) {
            // walk the string in reverse
            reverse += arg[i - 1];
            if (quoteHit && arg[i - 1] === '\\') {
                reverse += '\\'; // double the slash
            }
            else if (arg[i - 1] === '"') {
                quoteHit = true;
                reverse += '"'; // double the quote
            }
            else {
                quoteHit = false;
            }
        }
        reverse += '"';
        return reverse.split('').reverse().join('');
    }
    _uvQuoteCmdArg(arg) {
        // Tool runner wraps child_process.spawn() and needs to apply the same quoting as
        // Node in certain cases where the undocumented spawn option windowsVerbatimArguments
        // is used.
        //
        // Since this function is a port of quote_cmd_arg from Node 4.x (technically, lib UV,
        // see https://github.com/nodejs/node/blob/v4.x/deps/uv/src/win/process.c for details),
        // pasting copyright notice from Node within this function:
        //
        //      Copyright Joyent, Inc. and other Node contributors. All rights reserved.
        //
        //      Permission is hereby granted, free of charge, to any person obtaining a copy
        //      of this software and associated documentation files (the "Software"), to
        //      deal in the Software without restriction, including without limitation the
        //      rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
        //      sell copies of the Software, and to permit persons to whom the Software is
        //      furnished to do so, subject to the following conditions:
        //
        //      The above copyright notice and this permission notice shall be included in
        //      all copies or substantial portions of the Software.
        //
        //      THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
        //      IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
        //      FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
        //      AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
        //      LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
        //      FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
        //      IN THE SOFTWARE.
        if (!arg) {
            // Need double quotation for empty argument
            return '""';
        }
        if (!arg.includes(' ') && !arg.includes('\t') && !arg.includes('"')) {
            // No quotation needed
            return arg;
        }
        if (!arg.includes('"') && !arg.includes('\\')) {
            // No embedded double quotes or backslashes, so I can just wrap
            // quote marks around the whole thing.
            return `"${arg}"`;
        }
        // Expected input/output:
        //   input : hello"world
        //   output: "hello\"world"
        //   input : hello""world
        //   output: "hello\"\"world"
        //   input : hello\world
        //   output: hello\world
        //   input : hello\\world
        //   output: hello\\world
        //   input : hello\"world
        //   output: "hello\\\"world"
        //   input : hello\\"world
        //   output: "hello\\\\\"world"
        //   input : hello world\
        //   output: "hello world\\" - note the comment in libuv actually reads "hello world\"
        //                             but it appears the comment is wrong, it should be "hello world\\"
        let reverse = '"';
        let quoteHit = true;
        for (let i = arg.length; i > 0; i--) {
            // walk the string in reverse
            reverse += arg[i - 1];
            if (quoteHit && arg[i - 1] === '\\') {
                reverse += '\\';
            }
            else if (arg[i - 1] === '"') {
                quoteHit = true;
                reverse += '\\';
            }
            else {
                quoteHit = false;
            }
        }
        reverse += '"';
        return reverse.split('').reverse().join('');
    }
    _cloneExecOptions(options) {
        options = options || {};
        const result = {
            cwd: options.cwd || process.cwd(),
            env: options.env || process.env,
            silent: options.silent || false,
            windowsVerbatimArguments: options.windowsVerbatimArguments || false,
            failOnStdErr: options.failOnStdErr || false,
            ignoreReturnCode: options.ignoreReturnCode || false,
            delay: options.delay || 10000
        };
        result.outStream = options.outStream || process.stdout;
        result.errStream = options.errStream || process.stderr;
        return result;
    }
    _getSpawnOptions(options, toolPath) {
        options = options || {};
        const result = {};
        result.cwd = options.cwd;
        result.env = options.env;
        result['windowsVerbatimArguments'] =
            options.windowsVerbatimArguments || this._isCmdFile();
        if (options.windowsVerbatimArguments) {
            result.argv0 = `"${toolPath}"`;
        }
        return result;
    }
    /**
     * Exec a tool.
     * Output will be streamed to the live console.
     * Returns promise with return code
     *
     * @param     tool     path to tool to exec
     * @param     options  optional exec options.  See ExecOptions
     * @returns   number
     */
    exec() {
        return toolrunner_awaiter(this, void 0, void 0, function* () {
            // root the tool path if it is unrooted and contains relative pathing
            if (!isRooted(this.toolPath) &&
                (this.toolPath.includes('/') ||
                    (toolrunner_IS_WINDOWS && this.toolPath.includes('\\')))) {
                // prefer options.cwd if it is specified, however options.cwd may also need to be rooted
                this.toolPath = external_path_.resolve(process.cwd(), this.options.cwd || process.cwd(), this.toolPath);
            }
            // if the tool is only a file name, then resolve it from the PATH
            // otherwise verify it exists (add extension on Windows if necessary)
            this.toolPath = yield which(this.toolPath, true);
            return new Promise((resolve, reject) => toolrunner_awaiter(this, void 0, void 0, function* () {
                this._debug(`exec tool: ${this.toolPath}`);
                this._debug('arguments:');
                for (const arg of this.args) {
                    this._debug(`   ${arg}`);
                }
                const optionsNonNull = this._cloneExecOptions(this.options);
                if (!optionsNonNull.silent && optionsNonNull.outStream) {
                    optionsNonNull.outStream.write(this._getCommandString(optionsNonNull) + external_os_namespaceObject.EOL);
                }
                const state = new ExecState(optionsNonNull, this.toolPath);
                state.on('debug', (message) => {
                    this._debug(message);
                });
                if (this.options.cwd && !(yield exists(this.options.cwd))) {
                    return reject(new Error(`The cwd: ${this.options.cwd} does not exist!`));
                }
                const fileName = this._getSpawnFileName();
                const cp = external_child_process_.spawn(fileName, this._getSpawnArgs(optionsNonNull), this._getSpawnOptions(this.options, fileName));
                let stdbuffer = '';
                if (cp.stdout) {
                    cp.stdout.on('data', (data) => {
                        if (this.options.listeners && this.options.listeners.stdout) {
                            this.options.listeners.stdout(data);
                        }
                        if (!optionsNonNull.silent && optionsNonNull.outStream) {
                            optionsNonNull.outStream.write(data);
                        }
                        stdbuffer = this._processLineBuffer(data, stdbuffer, (line) => {
                            if (this.options.listeners && this.options.listeners.stdline) {
                                this.options.listeners.stdline(line);
                            }
                        });
                    });
                }
                let errbuffer = '';
                if (cp.stderr) {
                    cp.stderr.on('data', (data) => {
                        state.processStderr = true;
                        if (this.options.listeners && this.options.listeners.stderr) {
                            this.options.listeners.stderr(data);
                        }
                        if (!optionsNonNull.silent &&
                            optionsNonNull.errStream &&
                            optionsNonNull.outStream) {
                            const s = optionsNonNull.failOnStdErr
                                ? optionsNonNull.errStream
                                : optionsNonNull.outStream;
                            s.write(data);
                        }
                        errbuffer = this._processLineBuffer(data, errbuffer, (line) => {
                            if (this.options.listeners && this.options.listeners.errline) {
                                this.options.listeners.errline(line);
                            }
                        });
                    });
                }
                cp.on('error', (err) => {
                    state.processError = err.message;
                    state.processExited = true;
                    state.processClosed = true;
                    state.CheckComplete();
                });
                cp.on('exit', (code) => {
                    state.processExitCode = code;
                    state.processExited = true;
                    this._debug(`Exit code ${code} received from tool '${this.toolPath}'`);
                    state.CheckComplete();
                });
                cp.on('close', (code) => {
                    state.processExitCode = code;
                    state.processExited = true;
                    state.processClosed = true;
                    this._debug(`STDIO streams have closed for tool '${this.toolPath}'`);
                    state.CheckComplete();
                });
                state.on('done', (error, exitCode) => {
                    if (stdbuffer.length > 0) {
                        this.emit('stdline', stdbuffer);
                    }
                    if (errbuffer.length > 0) {
                        this.emit('errline', errbuffer);
                    }
                    cp.removeAllListeners();
                    if (error) {
                        reject(error);
                    }
                    else {
                        resolve(exitCode);
                    }
                });
                if (this.options.input) {
                    if (!cp.stdin) {
                        throw new Error('child process missing stdin');
                    }
                    cp.stdin.end(this.options.input);
                }
            }));
        });
    }
}
/**
 * Convert an arg string to an array of args. Handles escaping
 *
 * @param    argString   string of arguments
 * @returns  string[]    array of arguments
 */
function argStringToArray(argString) {
    const args = [];
    let inQuotes = false;
    let escaped = false;
    let arg = '';
    function append(c) {
        // we only escape double quotes.
        if (escaped && c !== '"') {
            arg += '\\';
        }
        arg += c;
        escaped = false;
    }
    for (let i = 0; i < argString.length; i++) {
        const c = argString.charAt(i);
        if (c === '"') {
            if (!escaped) {
                inQuotes = !inQuotes;
            }
            else {
                append(c);
            }
            continue;
        }
        if (c === '\\' && escaped) {
            append(c);
            continue;
        }
        if (c === '\\' && inQuotes) {
            escaped = true;
            continue;
        }
        if (c === ' ' && !inQuotes) {
            if (arg.length > 0) {
                args.push(arg);
                arg = '';
            }
            continue;
        }
        append(c);
    }
    if (arg.length > 0) {
        args.push(arg.trim());
    }
    return args;
}
class ExecState extends external_events_.EventEmitter {
    constructor(options, toolPath) {
        super();
        this.processClosed = false; // tracks whether the process has exited and stdio is closed
        this.processError = '';
        this.processExitCode = 0;
        this.processExited = false; // tracks whether the process has exited
        this.processStderr = false; // tracks whether stderr was written to
        this.delay = 10000; // 10 seconds
        this.done = false;
        this.timeout = null;
        if (!toolPath) {
            throw new Error('toolPath must not be empty');
        }
        this.options = options;
        this.toolPath = toolPath;
        if (options.delay) {
            this.delay = options.delay;
        }
    }
    CheckComplete() {
        if (this.done) {
            return;
        }
        if (this.processClosed) {
            this._setResult();
        }
        else if (this.processExited) {
            this.timeout = (0,external_timers_namespaceObject.setTimeout)(ExecState.HandleTimeout, this.delay, this);
        }
    }
    _debug(message) {
        this.emit('debug', message);
    }
    _setResult() {
        // determine whether there is an error
        let error;
        if (this.processExited) {
            if (this.processError) {
                error = new Error(`There was an error when attempting to execute the process '${this.toolPath}'. This may indicate the process failed to start. Error: ${this.processError}`);
            }
            else if (this.processExitCode !== 0 && !this.options.ignoreReturnCode) {
                error = new Error(`The process '${this.toolPath}' failed with exit code ${this.processExitCode}`);
            }
            else if (this.processStderr && this.options.failOnStdErr) {
                error = new Error(`The process '${this.toolPath}' failed because one or more lines were written to the STDERR stream`);
            }
        }
        // clear the timeout
        if (this.timeout) {
            clearTimeout(this.timeout);
            this.timeout = null;
        }
        this.done = true;
        this.emit('done', error, this.processExitCode);
    }
    static HandleTimeout(state) {
        if (state.done) {
            return;
        }
        if (!state.processClosed && state.processExited) {
            const message = `The STDIO streams did not close within ${state.delay / 1000} seconds of the exit event from process '${state.toolPath}'. This may indicate a child process inherited the STDIO streams and has not yet exited.`;
            state._debug(message);
        }
        state._setResult();
    }
}
//# sourceMappingURL=toolrunner.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/exec/lib/exec.js
var exec_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


/**
 * Exec a command.
 * Output will be streamed to the live console.
 * Returns promise with return code
 *
 * @param     commandLine        command to execute (can include additional args). Must be correctly escaped.
 * @param     args               optional arguments for tool. Escaping is handled by the lib.
 * @param     options            optional exec options.  See ExecOptions
 * @returns   Promise<number>    exit code
 */
function exec_exec(commandLine, args, options) {
    return exec_awaiter(this, void 0, void 0, function* () {
        const commandArgs = tr.argStringToArray(commandLine);
        if (commandArgs.length === 0) {
            throw new Error(`Parameter 'commandLine' cannot be null or empty.`);
        }
        // Path to tool to execute should be first arg
        const toolPath = commandArgs[0];
        args = commandArgs.slice(1).concat(args || []);
        const runner = new tr.ToolRunner(toolPath, args, options);
        return runner.exec();
    });
}
/**
 * Exec a command and get the output.
 * Output will be streamed to the live console.
 * Returns promise with the exit code and collected stdout and stderr
 *
 * @param     commandLine           command to execute (can include additional args). Must be correctly escaped.
 * @param     args                  optional arguments for tool. Escaping is handled by the lib.
 * @param     options               optional exec options.  See ExecOptions
 * @returns   Promise<ExecOutput>   exit code, stdout, and stderr
 */
function getExecOutput(commandLine, args, options) {
    return exec_awaiter(this, void 0, void 0, function* () {
        var _a, _b;
        let stdout = '';
        let stderr = '';
        //Using string decoder covers the case where a mult-byte character is split
        const stdoutDecoder = new StringDecoder('utf8');
        const stderrDecoder = new StringDecoder('utf8');
        const originalStdoutListener = (_a = options === null || options === void 0 ? void 0 : options.listeners) === null || _a === void 0 ? void 0 : _a.stdout;
        const originalStdErrListener = (_b = options === null || options === void 0 ? void 0 : options.listeners) === null || _b === void 0 ? void 0 : _b.stderr;
        const stdErrListener = (data) => {
            stderr += stderrDecoder.write(data);
            if (originalStdErrListener) {
                originalStdErrListener(data);
            }
        };
        const stdOutListener = (data) => {
            stdout += stdoutDecoder.write(data);
            if (originalStdoutListener) {
                originalStdoutListener(data);
            }
        };
        const listeners = Object.assign(Object.assign({}, options === null || options === void 0 ? void 0 : options.listeners), { stdout: stdOutListener, stderr: stdErrListener });
        const exitCode = yield exec_exec(commandLine, args, Object.assign(Object.assign({}, options), { listeners }));
        //flush any remaining characters
        stdout += stdoutDecoder.end();
        stderr += stderrDecoder.end();
        return {
            exitCode,
            stdout,
            stderr
        };
    });
}
//# sourceMappingURL=exec.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/platform.js
var platform_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const getWindowsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout: version } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Version"', undefined, {
        silent: true
    });
    const { stdout: name } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Caption"', undefined, {
        silent: true
    });
    return {
        name: name.trim(),
        version: version.trim()
    };
});
const getMacOsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    var _a, _b, _c, _d;
    const { stdout } = yield exec.getExecOutput('sw_vers', undefined, {
        silent: true
    });
    const version = (_b = (_a = stdout.match(/ProductVersion:\s*(.+)/)) === null || _a === void 0 ? void 0 : _a[1]) !== null && _b !== void 0 ? _b : '';
    const name = (_d = (_c = stdout.match(/ProductName:\s*(.+)/)) === null || _c === void 0 ? void 0 : _c[1]) !== null && _d !== void 0 ? _d : '';
    return {
        name,
        version
    };
});
const getLinuxInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout } = yield exec.getExecOutput('lsb_release', ['-i', '-r', '-s'], {
        silent: true
    });
    const [name, version] = stdout.trim().split('\n');
    return {
        name,
        version
    };
});
const platform = external_os_namespaceObject.platform();
const arch = external_os_namespaceObject.arch();
const isWindows = platform === 'win32';
const isMacOS = platform === 'darwin';
const isLinux = platform === 'linux';
function getDetails() {
    return platform_awaiter(this, void 0, void 0, function* () {
        return Object.assign(Object.assign({}, (yield (isWindows
            ? getWindowsInfo()
            : isMacOS
                ? getMacOsInfo()
                : getLinuxInfo()))), { platform,
            arch,
            isWindows,
            isMacOS,
            isLinux });
    });
}
//# sourceMappingURL=platform.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/core.js
var core_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};






/**
 * The code to exit an action
 */
var ExitCode;
(function (ExitCode) {
    /**
     * A code indicating that the action was successful
     */
    ExitCode[ExitCode["Success"] = 0] = "Success";
    /**
     * A code indicating that the action was a failure
     */
    ExitCode[ExitCode["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
//-----------------------------------------------------------------------
// Variables
//-----------------------------------------------------------------------
/**
 * Sets env variable for this action and future actions in the job
 * @param name the name of the variable to set
 * @param val the value of the variable. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function exportVariable(name, val) {
    const convertedVal = toCommandValue(val);
    process.env[name] = convertedVal;
    const filePath = process.env['GITHUB_ENV'] || '';
    if (filePath) {
        return file_command_issueFileCommand('ENV', prepareKeyValueMessage(name, val));
    }
    command_issueCommand('set-env', { name }, convertedVal);
}
/**
 * Registers a secret which will get masked from logs
 *
 * @param secret - Value of the secret to be masked
 * @remarks
 * This function instructs the Actions runner to mask the specified value in any
 * logs produced during the workflow run. Once registered, the secret value will
 * be replaced with asterisks (***) whenever it appears in console output, logs,
 * or error messages.
 *
 * This is useful for protecting sensitive information such as:
 * - API keys
 * - Access tokens
 * - Authentication credentials
 * - URL parameters containing signatures (SAS tokens)
 *
 * Note that masking only affects future logs; any previous appearances of the
 * secret in logs before calling this function will remain unmasked.
 *
 * @example
 * ```typescript
 * // Register an API token as a secret
 * const apiToken = "abc123xyz456";
 * setSecret(apiToken);
 *
 * // Now any logs containing this value will show *** instead
 * console.log(`Using token: ${apiToken}`); // Outputs: "Using token: ***"
 * ```
 */
function core_setSecret(secret) {
    command_issueCommand('add-mask', {}, secret);
}
/**
 * Prepends inputPath to the PATH (for this action and future actions)
 * @param inputPath
 */
function addPath(inputPath) {
    const filePath = process.env['GITHUB_PATH'] || '';
    if (filePath) {
        issueFileCommand('PATH', inputPath);
    }
    else {
        issueCommand('add-path', {}, inputPath);
    }
    process.env['PATH'] = `${inputPath}${path.delimiter}${process.env['PATH']}`;
}
/**
 * Gets the value of an input.
 * Unless trimWhitespace is set to false in InputOptions, the value is also trimmed.
 * Returns an empty string if the value is not defined.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string
 */
function getInput(name, options) {
    const val = process.env[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] || '';
    if (options && options.required && !val) {
        throw new Error(`Input required and not supplied: ${name}`);
    }
    if (options && options.trimWhitespace === false) {
        return val;
    }
    return val.trim();
}
/**
 * Gets the values of an multiline input.  Each value is also trimmed.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string[]
 *
 */
function getMultilineInput(name, options) {
    const inputs = getInput(name, options)
        .split('\n')
        .filter(x => x !== '');
    if (options && options.trimWhitespace === false) {
        return inputs;
    }
    return inputs.map(input => input.trim());
}
/**
 * Gets the input value of the boolean type in the YAML 1.2 "core schema" specification.
 * Support boolean input list: `true | True | TRUE | false | False | FALSE` .
 * The return value is also in boolean type.
 * ref: https://yaml.org/spec/1.2/spec.html#id2804923
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   boolean
 */
function getBooleanInput(name, options) {
    const trueValue = ['true', 'True', 'TRUE'];
    const falseValue = ['false', 'False', 'FALSE'];
    const val = getInput(name, options);
    if (trueValue.includes(val))
        return true;
    if (falseValue.includes(val))
        return false;
    throw new TypeError(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}\n` +
        `Support boolean input list: \`true | True | TRUE | false | False | FALSE\``);
}
/**
 * Sets the value of an output.
 *
 * @param     name     name of the output to set
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function setOutput(name, value) {
    const filePath = process.env['GITHUB_OUTPUT'] || '';
    if (filePath) {
        return file_command_issueFileCommand('OUTPUT', prepareKeyValueMessage(name, value));
    }
    process.stdout.write(external_os_namespaceObject.EOL);
    command_issueCommand('set-output', { name }, toCommandValue(value));
}
/**
 * Enables or disables the echoing of commands into stdout for the rest of the step.
 * Echoing is disabled by default if ACTIONS_STEP_DEBUG is not set.
 *
 */
function setCommandEcho(enabled) {
    issue('echo', enabled ? 'on' : 'off');
}
//-----------------------------------------------------------------------
// Results
//-----------------------------------------------------------------------
/**
 * Sets the action status to failed.
 * When the action exits it will be with an exit code of 1
 * @param message add error issue message
 */
function setFailed(message) {
    process.exitCode = ExitCode.Failure;
    error(message);
}
//-----------------------------------------------------------------------
// Logging Commands
//-----------------------------------------------------------------------
/**
 * Gets whether Actions Step Debug is on or not
 */
function isDebug() {
    return process.env['RUNNER_DEBUG'] === '1';
}
/**
 * Writes debug message to user log
 * @param message debug message
 */
function core_debug(message) {
    command_issueCommand('debug', {}, message);
}
/**
 * Adds an error issue
 * @param message error issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function error(message, properties = {}) {
    command_issueCommand('error', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a warning issue
 * @param message warning issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function core_warning(message, properties = {}) {
    command_issueCommand('warning', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a notice issue
 * @param message notice issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function notice(message, properties = {}) {
    issueCommand('notice', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Writes info to log with console.log.
 * @param message info message
 */
function info(message) {
    process.stdout.write(message + external_os_namespaceObject.EOL);
}
/**
 * Begin an output group.
 *
 * Output until the next `groupEnd` will be foldable in this group
 *
 * @param name The name of the output group
 */
function startGroup(name) {
    command_issue('group', name);
}
/**
 * End an output group.
 */
function endGroup() {
    command_issue('endgroup');
}
/**
 * Wrap an asynchronous function call in a group.
 *
 * Returns the same type as the function itself.
 *
 * @param name The name of the group
 * @param fn The function to wrap in the group
 */
function group(name, fn) {
    return core_awaiter(this, void 0, void 0, function* () {
        startGroup(name);
        let result;
        try {
            result = yield fn();
        }
        finally {
            endGroup();
        }
        return result;
    });
}
//-----------------------------------------------------------------------
// Wrapper action state
//-----------------------------------------------------------------------
/**
 * Saves state for current action, the state can only be retrieved by this action's post job execution.
 *
 * @param     name     name of the state to store
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function saveState(name, value) {
    const filePath = process.env['GITHUB_STATE'] || '';
    if (filePath) {
        return file_command_issueFileCommand('STATE', prepareKeyValueMessage(name, value));
    }
    command_issueCommand('save-state', { name }, toCommandValue(value));
}
/**
 * Gets the value of an state set by this action's main execution.
 *
 * @param     name     name of the state to get
 * @returns   string
 */
function getState(name) {
    return process.env[`STATE_${name}`] || '';
}
function getIDToken(aud) {
    return core_awaiter(this, void 0, void 0, function* () {
        return yield OidcClient.getIDToken(aud);
    });
}
/**
 * Summary exports
 */

/**
 * @deprecated use core.summary
 */

/**
 * Path exports
 */

/**
 * Platform utilities exports
 */

//# sourceMappingURL=core.js.map
// EXTERNAL MODULE: ./src/errors.ts
var src_errors = __nccwpck_require__(3916);
// EXTERNAL MODULE: ./src/trust/doctor/finding.ts
var finding = __nccwpck_require__(5525);
;// CONCATENATED MODULE: ./src/action/diagnosis.ts
/** What the doctor finds when a step of the job has failed, in the log. */



/** Errors that are about hosts: of others the doctor knows nothing. */
const ABOUT_HOSTS = /^(host|login|remote|bootstrap|trust)-/;
/** When main has failed because of hosts. */
async function explainFailure({ hosts, bootstrap }, error) {
    if (!(error instanceof src_errors/* TrustError */.Ru) || !ABOUT_HOSTS.test(error.code) || !isWanted())
        return;
    const { diagnoseHosts } = await __nccwpck_require__.e(/* import() */ 229).then(__nccwpck_require__.bind(__nccwpck_require__, 5229)); // and all of the doctor with it
    const failed = {
        hosts,
        message: error.message,
        ...(bootstrap === undefined ? {} : { credentials: bootstrap.credentials }),
        env: process.env,
    };
    await tell(async () => diagnoseHosts(failed));
}
/** In post, when a later step of the job has failed. */
async function explainFailedJob() {
    const hosts = core.getInput('hosts');
    if (core.getInput('job-status') !== 'failure' || hosts === '' || !isWanted())
        return;
    const { diagnoseAgain } = await __nccwpck_require__.e(/* import() */ 229).then(__nccwpck_require__.bind(__nccwpck_require__, 5229));
    await tell(async () => diagnoseAgain(hosts, process.env));
}
function isWanted() {
    return getInput('diagnose').toLowerCase() !== 'false';
}
/** A look that fails must not hide the failure that it was to explain. */
async function tell(look) {
    try {
        const findings = await look();
        if (findings.length === 0)
            return;
        startGroup('What ssh-trust doctor finds');
        for (const line of (0,finding/* formatFindings */.eg)(findings, false).trimEnd().split('\n'))
            info(line);
        endGroup();
    }
    catch (error) {
        core_debug((0,src_errors/* explain */.WE)(error));
    }
}

;// CONCATENATED MODULE: ./src/action/failure.ts
/** How the action fails: one clear error, as an annotation and as the step's result. */


function fail(error) {
    setFailed((0,src_errors/* explain */.WE)(error));
    if (error instanceof Error)
        core_debug(error.stack ?? '');
}

;// CONCATENATED MODULE: ./src/action/inputs.ts
/** The inputs of the action, all read here, and masked before anything can print them. */

/** Shortest text that is masked: the runner would otherwise blank it out of every other word. */
const MIN_MASKED = 4;
function readInputs() {
    const sshPrivateKey = secret('ssh-private-key');
    return {
        sshPrivateKey,
        passphrase: secret('passphrase'),
        sshCertificate: plain('ssh-certificate'),
        certificateAuthorityKey: secret('certificate-authority-key'),
        certificateAuthorityPassphrase: secret('certificate-authority-passphrase'),
        certificatePrincipals: plain('certificate-principals'),
        certificateValidity: plain('certificate-validity'),
        certificateKeyId: plain('certificate-key-id'),
        certificateOptions: plain('certificate-options'),
        generateKey: plain('generate-key'),
        hosts: plain('hosts'),
        hostsFile: plain('hosts-file'),
        shard: plain('shard'),
        agentPolicy: plain('agent-policy'),
        agentLifetime: plain('agent-lifetime'),
        maxSignatures: plain('max-signatures'),
        signatureNamespaces: plain('signature-namespaces'),
        signOtherData: plain('sign-other-data'),
        bootstrapPassword: secret('bootstrap-password'),
        bootstrapKey: secret('bootstrap-key'),
        bootstrapPassphrase: secret('bootstrap-passphrase'),
        authorizedKeysOptions: plain('authorized-keys-options'),
        trustLifetime: plain('trust-lifetime'),
        trustExpiry: plain('trust-expiry'),
        bootstrapFailure: plain('bootstrap-failure'),
        revoke: plain('revoke'),
        revokeKeys: plain('revoke-keys'),
        trust: plain('trust'),
        dryRun: plain('dry-run'),
        secretOf,
        home: plain('home'),
        connectTimeout: plain('connect-timeout'),
        keyComment: keyComment(),
    };
}
/** An input that is to hold no secret. Errors quote it, so a private key that was pasted into it is masked. */
function plain(name) {
    const value = getInput(name);
    if (/PRIVATE KEY-----|PuTTY-User-Key-File-/.test(value))
        maskLines(value);
    return value;
}
/** Not trimmed: what is wrong should be told of the text as it was pasted, and blanks can be meant. */
function secret(name) {
    const value = getInput(name, { trimWhitespace: false });
    maskLines(value);
    return value;
}
/** A variable of the step's environment that an input names as holding a secret. */
function secretOf(name) {
    const value = process.env[name];
    if (value !== undefined)
        maskLines(value);
    return value;
}
/** Masks a secret of several lines: the runner compares line by line. Marker lines are no secret. */
function maskLines(secret) {
    for (const line of secret.split(/[\r\n]+/)) {
        const text = line.trim();
        if (text.length >= MIN_MASKED && !text.startsWith('-----'))
            core_setSecret(text);
    }
}
/** Says which repository, run and job made a key, for whoever finds it in an authorized_keys. */
function keyComment() {
    const { GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB } = process.env;
    const parts = [GITHUB_REPOSITORY, 'run', GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB];
    const text = parts.filter((part) => part !== undefined && part !== '').join('/');
    return `ssh-trust:${text.replace(/[^A-Za-z0-9._/-]+/g, '_')}`;
}

// EXTERNAL MODULE: ./src/trust/report.ts
var trust_report = __nccwpck_require__(7146);
;// CONCATENATED MODULE: ./src/action/outputs.ts
/** What the main step leaves for later steps: outputs, SSH_AUTH_SOCK, and a readable log. */


function writeOutputs({ socket, pipe, knownHosts, sshConfig, report }) {
    exportVariable('SSH_AUTH_SOCK', socket);
    setOutput('ssh-auth-sock', socket);
    setOutput('ssh-auth-pipe', pipe ?? '');
    const plain = report.keys.filter(({ certificate }) => !certificate);
    const certificates = report.keys.filter(({ certificate }) => certificate);
    setOutput('public-key', plain.map(({ publicKey }) => publicKey).join('\n'));
    setOutput('fingerprint', plain.map(({ fingerprint }) => fingerprint).join('\n'));
    setOutput('certificate', certificates.map(({ publicKey }) => publicKey).join('\n'));
    setOutput('known-hosts', knownHosts);
    setOutput('ssh-config', sshConfig);
    setOutput('report', JSON.stringify(report));
}
/** A line of the plan of trust between hosts. */
function logPlan(line) {
    info(`trust: ${(0,trust_report/* oneLine */.T)(line)}`);
}
function logTrust({ report }) {
    for (const repair of report.repairs)
        info(`! ssh-private-key was repaired: ${repair}`);
    for (const line of report.swept ?? [])
        info(`! ${(0,trust_report/* oneLine */.T)(line)}`);
    for (const warning of report.warnings)
        core_warning(warning);
    for (const { name, keyType, fingerprint, pin, stale, coming = [] } of report.hosts) {
        info(`✓ ${name}: host key proven, ${keyType} ${fingerprint}`);
        if (pin.startsWith('CA '))
            info(`  certified by the pinned ${pin}`);
        for (const key of stale) {
            core_warning(`${name} also holds ${key}, which no pin matches: a pin of that type is stale.`);
        }
        for (const key of coming) {
            info(`  ${name} also holds ${key.keyType} ${key.fingerprint}; proven. If it is the coming key of a rotation, add it to the line: ${key.fingerprint}`);
        }
    }
    for (const grant of report.grants)
        logGrant(grant);
    for (const line of alignedRows(report.hostTrust?.table ?? []))
        info(`  ${line}`);
    for (const revocation of report.revocations ?? [])
        logRevocation(revocation);
    for (const { origin, type, fingerprint, comment } of report.keys) {
        info(`✓ key ${origin}: ${type} ${fingerprint} ${comment}`);
    }
    if (report.policy === 'any') {
        core_warning('The agent signs for every host that asks (agent-policy any). List the hosts of the job in hosts, and it will sign for no other.');
    }
    else if (report.policy === 'warn') {
        info('! agent: signs for these hosts, and for clients that do not say which host (warn)');
    }
    else {
        info(`✓ agent: signs for these hosts only (policy ${report.policy})`);
    }
}
function logRevocation({ host, user, file, removed, kept, error }) {
    const account = `${user}@${host}`;
    if (error !== undefined)
        core_warning(`${account}: keys were not revoked: ${error}`);
    else
        info(`✓ ${account}: ${removed.length} keys revoked in ${(0,trust_report/* oneLine */.T)(file ?? '')}`);
    for (const line of removed)
        info(`  removed ${(0,trust_report/* oneLine */.T)(line)}`);
    for (const line of kept)
        info(`  kept, since this job uses it: ${(0,trust_report/* oneLine */.T)(line)}`);
}
/** A table's rows as text, the columns below one another. */
function alignedRows(rows) {
    const width = (column) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
    return rows.map((row) => row
        .map((cell, column) => cell.padEnd(width(column)))
        .join('  ')
        .trimEnd());
}
function logGrant({ host, user, key, status, file, expires, notes, error }) {
    const account = `${user}@${host}`;
    if (status === 'failed')
        core_warning(`${account} did not get the key: ${error ?? ''}`);
    else {
        const done = status === 'added' ? `added to ${file ?? ''}, expires: ${expires ?? ''}` : 'is there already';
        info(`✓ ${account}: key ${key} ${done}; login with it proven`);
    }
    for (const note of notes)
        info(`  ${note}`);
}

;// CONCATENATED MODULE: ./src/action/state.ts
/** What main leaves for post. Nothing else is kept; without it post does nothing. */

function state_saveState(journal, token) {
    core_setSecret(token);
    saveState('journal', journal);
    saveState('token', token);
}
function readState() {
    return { journal: core.getState('journal'), token: core.getState('token') };
}
/** The same state as environment, for a post that the agent starts when the runner has died. */
function stateEnv(journal, token) {
    return { STATE_journal: journal, STATE_token: token };
}

// EXTERNAL MODULE: ./src/ssh/certificate.ts
var ssh_certificate = __nccwpck_require__(5921);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(7598);
// EXTERNAL MODULE: ./node_modules/bcrypt-pbkdf/index.js
var bcrypt_pbkdf = __nccwpck_require__(686);
var bcrypt_pbkdf_default = /*#__PURE__*/__nccwpck_require__.n(bcrypt_pbkdf);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __nccwpck_require__(7975);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __nccwpck_require__(6119);
// EXTERNAL MODULE: ./src/ssh/wire.ts
var ssh_wire = __nccwpck_require__(3529);
;// CONCATENATED MODULE: ./src/ssh/private-key.ts
/**
 * Private keys: their wire format, which the agent protocol (RFC 9987 §5.2) and OpenSSH's key files
 * (PROTOCOL.key) share, and making new ones. Keys are held as `KeyObject`s, which do not print.
 */






/**
 * A private key from a `KeyObject`.
 *
 * @param stated both halves as its file states them
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together)
 */
function privateKeyFrom(key, comment = '', stated) {
    if (key.asymmetricKeyType === 'dsa')
        throw (0,public_key/* unsupportedType */.iO)('ssh-dss');
    if (!['ed25519', 'ec', 'rsa'].includes(key.asymmetricKeyType ?? '')) {
        throw (0,public_key/* unsupportedType */.iO)(key.asymmetricKeyType ?? 'unknown');
    }
    if (key.asymmetricKeyType === 'ec') {
        const curve = key.asymmetricKeyDetails?.namedCurve ?? 'unknown';
        if (!['prime256v1', 'secp384r1', 'secp521r1'].includes(curve))
            throw (0,public_key/* unsupportedType */.iO)(curve);
    }
    const { type, blob } = (0,public_key/* encodePublicKey */.H3)((0,external_node_crypto_.createPublicKey)(key));
    if (type === 'ssh-rsa')
        (0,public_key/* requireRsaSize */.Tm)(blob);
    requireMatchingHalves(type, blob, stated ?? key.export({ format: 'jwk' }));
    return { type, key, publicKey: blob, comment };
}
/** `key-type, key-specific fields, comment`: the contents of SSH_AGENTC_ADD_IDENTITY (RFC 9987 §5.2). */
function private_key_writePrivateKey({ type, key, publicKey, comment }) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    let fields;
    if (type === 'ssh-ed25519') {
        const reader = new ssh_wire/* Reader */.mP(publicKey);
        reader.string();
        const point = reader.string(32);
        fields = [(0,ssh_wire/* string */.Yj)(point), (0,ssh_wire/* string */.Yj)(Buffer.concat([part('d'), point]))]; // RFC 9987 §5.2.3: k || ENC(A)
    }
    else if ((0,public_key/* isEcdsa */.NT)(type)) {
        const reader = new ssh_wire/* Reader */.mP(publicKey);
        reader.string();
        fields = [reader.rest(), (0,ssh_wire/* mpint */.lW)(part('d'))]; // §5.2.2: curve name, Q, d
    }
    else {
        // §5.2.4: n, e, d, iqmp, p, q
        fields = [part('n'), part('e'), part('d'), part('qi'), part('p'), part('q')].map(ssh_wire/* mpint */.lW);
    }
    return Buffer.concat([(0,ssh_wire/* string */.Yj)(type), ...fields, (0,ssh_wire/* string */.Yj)(comment)]);
}
/**
 * Reads what `writePrivateKey` writes, up to and with the comment.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together), `malformed`
 */
function private_key_readPrivateKey(reader) {
    const type = reader.text(64);
    if (!(0,public_key/* isKeyType */.Cy)(type))
        throw (0,public_key/* unsupportedType */.iO)(type);
    const jwk = type === 'ssh-rsa' ? readRsa(reader) : readCurve(type, reader);
    const comment = reader.text(4096);
    let key;
    try {
        key = (0,external_node_crypto_.createPrivateKey)({ key: jwk, format: 'jwk' });
    }
    catch (cause) {
        throw new src_errors/* TrustError */.Ru('key-unreadable', 'The numbers of the private key do not make a valid key.', { cause });
    }
    return privateKeyFrom(key, comment, jwk);
}
/**
 * Reads a private key that may be stated as a certificate with the private parts behind it, as ssh-add
 * sends it (OpenSSH's sshkey_private_serialize): what the certificate holds is not said again.
 *
 * @returns the key, its certificate in wire format if there is one, and a reader of what follows
 * @throws TrustError as `readPrivateKey`
 */
function readCertifiedPrivateKey(reader) {
    const message = reader.rest();
    const whole = new Reader(message);
    if (!isCertificateType(typeOfBlob(message))) {
        return { privateKey: private_key_readPrivateKey(whole), rest: whole };
    }
    whole.string();
    const certificate = Buffer.from(whole.string());
    if (typeOfBlob(certificate) !== typeOfBlob(message)) {
        throw new TrustError('malformed', 'A certificate of another type than its private key.');
    }
    const { type } = kindOfKey(certificate);
    const rest = new Reader(Buffer.concat([statedParts(type, plainKey(certificate)), whole.rest()]));
    const privateKey = private_key_readPrivateKey(rest);
    return { privateKey, certificate, rest };
}
/** What stands before the private parts where no certificate says it. */
function statedParts(type, publicKey) {
    if (type === 'ssh-ed25519')
        return string(type); // its public half is said again all the same
    if (isEcdsa(type))
        return publicKey;
    const reader = new Reader(publicKey);
    reader.string();
    const e = reader.mpint();
    return Buffer.concat([string(type), mpint(reader.mpint()), mpint(e)]); // n, e: the other way round
}
/** Throws unless the stated public half is the one that the private half gives. */
function requireMatchingHalves(type, publicKey, stated) {
    if (halvesMatch(type, publicKey, stated))
        return;
    const message = 'The private and the public half of the key do not belong together.';
    throw new src_errors/* TrustError */.Ru('key-unreadable', message);
}
function halvesMatch(type, publicKey, stated) {
    const part = (name) => Buffer.from(stated[name] ?? '', 'base64url');
    // Node derives an ed25519 public half itself; of the others it keeps what it is told.
    if (type === 'ssh-ed25519') {
        return publicKey.equals(Buffer.concat([(0,ssh_wire/* string */.Yj)(type), (0,ssh_wire/* string */.Yj)(part('x'))]));
    }
    if ((0,public_key/* isEcdsa */.NT)(type)) {
        const exchange = (0,external_node_crypto_.createECDH)(ECDH_NAMES[type]);
        try {
            exchange.setPrivateKey(part('d'));
        }
        catch {
            return false; // zero, or not below the order of the curve
        }
        const point = (0,ssh_wire/* string */.Yj)(exchange.getPublicKey());
        return publicKey.subarray(-point.length).equals(point);
    }
    // RFC 8017 §3.2: n = pq, ed = 1 (mod p-1) and (mod q-1), q·qInv = 1 (mod p)
    const [n, e, d, p, q, qi] = ['n', 'e', 'd', 'p', 'q', 'qi'].map((name) => number(part(name)));
    if (p < 3n || q < 3n)
        return false;
    return (p * q === n && (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n && (q * qi) % p === 1n);
}
/** OpenSSL's names of the curves, which createECDH wants. */
const ECDH_NAMES = {
    'ecdsa-sha2-nistp256': 'prime256v1',
    'ecdsa-sha2-nistp384': 'secp384r1',
    'ecdsa-sha2-nistp521': 'secp521r1',
};
function readCurve(type, reader) {
    const parts = (0,public_key/* readPublicParts */.eZ)(type, reader);
    if (!(0,public_key/* isEcdsa */.NT)(type)) {
        const secret = reader.string(64);
        if (secret.length !== 64)
            throw new src_errors/* TrustError */.Ru('malformed', 'An ed25519 private key has 64 bytes.');
        return { ...parts, d: secret.subarray(0, 32).toString('base64url') };
    }
    const { bytes } = public_key/* CURVES */.H1[type];
    const d = reader.mpint(bytes + 1);
    const padded = Buffer.concat([Buffer.alloc(Math.max(0, bytes - d.length)), d]);
    return { ...parts, d: padded.toString('base64url') };
}
function readRsa(reader) {
    const max = public_key/* MAX_RSA_BITS */.T9 / 8 + 1;
    const n = reader.mpint(max);
    const e = reader.mpint(9);
    const d = reader.mpint(max);
    const qi = reader.mpint(max);
    const p = reader.mpint(max);
    const q = reader.mpint(max);
    const text = (number) => number.toString('base64url');
    return {
        kty: 'RSA',
        n: text(n),
        e: text(e),
        d: text(d),
        p: text(p),
        q: text(q),
        qi: text(qi),
        dp: text(reduce(d, p)),
        dq: text(reduce(d, q)),
    };
}
/** d mod (prime - 1): the exponents of RFC 8017 §3.2, which the wire format leaves out. */
function reduce(d, prime) {
    const modulus = number(prime) - 1n;
    if (modulus <= 1n)
        throw new src_errors/* TrustError */.Ru('malformed', 'An RSA key without its primes.');
    const hex = (number(d) % modulus).toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
function number(bytes) {
    return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
}
/**
 * `ed25519`, `ecdsa` (256), `ecdsa-384`, `ecdsa-521`, `rsa` (3072), `rsa-4096`, …
 *
 * @throws TrustError `input-invalid`, `key-type-unsupported`, `key-too-small`
 */
function parseKeySpec(text) {
    const [, name = '', size] = /^([a-z0-9]+?)(?:-([0-9]{1,5}))?$/.exec(text.trim().toLowerCase()) ?? [];
    if (name === 'dsa')
        throw (0,public_key/* unsupportedType */.iO)('ssh-dss');
    if (name === 'ed25519' && size === undefined)
        return { type: 'ssh-ed25519' };
    if (name === 'ecdsa') {
        const type = `ecdsa-sha2-nistp${size ?? '256'}`;
        if ((0,public_key/* isKeyType */.Cy)(type))
            return { type };
    }
    if (name === 'rsa') {
        const bits = Number(size ?? '3072');
        if (bits < public_key/* MIN_RSA_BITS */.Hm) {
            throw new src_errors/* TrustError */.Ru('key-too-small', `RSA with ${bits} bits is too small: ${public_key/* MIN_RSA_BITS */.Hm} are the least.`, {
                hint: 'Use ed25519, or rsa-3072.',
            });
        }
        if (bits <= public_key/* MAX_RSA_BITS */.T9)
            return { type: 'ssh-rsa', bits };
    }
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is no kind of key that can be generated.`, {
        hint: 'Use ed25519, ecdsa-256, ecdsa-384, ecdsa-521, or rsa-2048 to rsa-16384 (rsa alone is rsa-3072).',
    });
}
/** A new key from the platform's random numbers. */
function generatePrivateKey({ type, bits }, comment) {
    if (type === 'ssh-ed25519')
        return privateKeyFrom(generateKeyPairSync('ed25519').privateKey, comment);
    if (isEcdsa(type)) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVES[type].jwk });
        return privateKeyFrom(privateKey, comment);
    }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits ?? 3072 });
    return privateKeyFrom(privateKey, comment);
}
/** The same; an RSA key, which takes seconds or minutes, is made in a thread. */
async function private_key_makePrivateKey(spec, comment) {
    if (spec.type !== 'ssh-rsa')
        return generatePrivateKey(spec, comment);
    const make = promisify(generateKeyPair);
    const { privateKey } = await make('rsa', { modulusLength: spec.bits ?? 3072 });
    return privateKeyFrom(privateKey, comment);
}

;// CONCATENATED MODULE: ./src/ssh/openssh-key.ts
/**
 * OpenSSH's private key files (OpenSSH's PROTOCOL.key): read with every cipher that ssh-keygen can
 * write (`ssh-keygen -Z`), and written as ssh-keygen writes them. What is wrong with a file is named.
 */






/** PROTOCOL.key, section 1: AUTH_MAGIC with its terminating zero. */
const MAGIC = Buffer.from('openssh-key-v1\0');
/**
 * Most rounds of bcrypt that are worked off. A round takes about 20 ms (13 ms in ssh-keygen itself),
 * so this is some ten seconds. ssh-keygen's default was 16 and is 24; guides say 100.
 */
const MAX_ROUNDS = 512;
/** ssh-keygen's DEFAULT_ROUNDS since OpenSSH 9.4. */
const DEFAULT_ROUNDS = 24;
/** ssh-keygen's SALT_LEN. */
const SALT_BYTES = 16;
const MAX_SALT = 64;
function plainCipher(name, block, key) {
    return { mode: 'cbc or ctr', name, block, key, iv: block, tag: 0 };
}
function gcmCipher(name, key) {
    return { mode: 'gcm', name, block: 16, key, iv: 12, tag: 16 };
}
const AES256_CTR = plainCipher('aes-256-ctr', 16, 32);
/** Every cipher that `ssh-keygen -Z` takes. */
const CIPHERS = new Map([
    ['3des-cbc', plainCipher('des-ede3-cbc', 8, 24)],
    ['aes128-cbc', plainCipher('aes-128-cbc', 16, 16)],
    ['aes192-cbc', plainCipher('aes-192-cbc', 16, 24)],
    ['aes256-cbc', plainCipher('aes-256-cbc', 16, 32)],
    ['aes128-ctr', plainCipher('aes-128-ctr', 16, 16)],
    ['aes192-ctr', plainCipher('aes-192-ctr', 16, 24)],
    ['aes256-ctr', AES256_CTR],
    ['aes128-gcm@openssh.com', gcmCipher('aes-128-gcm', 16)],
    ['aes256-gcm@openssh.com', gcmCipher('aes-256-gcm', 32)],
    [
        'chacha20-poly1305@openssh.com',
        // Two keys of 32 bytes: the second is for packet lengths, of which a file has none.
        { mode: 'chachapoly', name: 'chacha20', block: 8, key: 64, iv: 0, tag: 16 },
    ],
]);
/** OpenSSH's block size of the cipher `none`. */
const NONE_BLOCK = 8;
/**
 * The key of an OpenSSH private key file, from the bytes between its BEGIN and END lines. A
 * passphrase is not looked at where none is needed.
 *
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
function decodeOpenSshKey(bytes, passphrase) {
    try {
        const container = readContainer(bytes);
        if (container.encryption === undefined)
            return readSection(container.section, container, false);
        if (passphrase === undefined || passphrase.length === 0) {
            throw new src_errors/* TrustError */.Ru('key-encrypted', 'The OpenSSH key is encrypted with a passphrase.', {
                hint: 'Give its passphrase too.',
            });
        }
        const section = decrypt(container, container.encryption, passphrase);
        try {
            return readSection(section, container, true);
        }
        finally {
            section.fill(0);
        }
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru) || error.code !== 'malformed')
            throw error;
        throw unreadable('is cut short or damaged', { cause: error });
    }
}
/** Whether a passphrase is needed; false, too, for what is no such file. */
function isEncryptedOpenSshKey(bytes) {
    try {
        const reader = new ssh_wire/* Reader */.mP(bytes);
        return reader.bytes(MAGIC.length).equals(MAGIC) && reader.text(64) !== 'none';
    }
    catch {
        return false;
    }
}
function unreadable(what, details = {}) {
    return new src_errors/* TrustError */.Ru('key-unreadable', `The OpenSSH key ${what}.`, {
        hint: 'Paste the whole file again, from BEGIN to END.',
        ...details,
    });
}
/** PROTOCOL.key, sections 1 and 2. */
function readContainer(bytes) {
    const reader = new ssh_wire/* Reader */.mP(bytes);
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
        throw unreadable('does not begin with openssh-key-v1');
    }
    reader.bytes(MAGIC.length);
    const cipherName = reader.text(64);
    const kdfName = reader.text(64);
    const kdfOptions = reader.string(4096);
    const count = reader.uint32();
    if (count !== 1) {
        throw unreadable(`file says that it holds ${count} keys; one is expected`, {
            hint: 'OpenSSH itself reads files with one key only.',
        });
    }
    const publicKey = reader.string();
    const type = (0,public_key/* typeOfBlob */.JX)(publicKey);
    // Said before a passphrase is asked for: none would help.
    if (!(0,public_key/* isKeyType */.Cy)(type))
        throw (0,public_key/* unsupportedType */.iO)(type);
    const encryption = readEncryption(cipherName, kdfName, kdfOptions);
    const { block, tag } = encryption?.cipher ?? { block: NONE_BLOCK, tag: 0 };
    const section = reader.string();
    const container = { encryption, publicKey, section, tag: reader.bytes(tag) };
    if (reader.remaining > 0)
        throw unreadable(`has ${reader.remaining} bytes too many at its end`);
    if (section.length === 0 || section.length % block !== 0) {
        throw unreadable(`has a private section of ${section.length} bytes, which is no multiple of ${block}`);
    }
    return container;
}
function readEncryption(cipherName, kdf, options) {
    if (kdf !== 'none' && kdf !== 'bcrypt') {
        throw unreadable(`is encrypted with the unknown key derivation ${JSON.stringify(kdf)}`, {
            hint: 'OpenSSH knows bcrypt alone.',
        });
    }
    if (cipherName === 'none' && kdf === 'none')
        return undefined;
    const cipher = CIPHERS.get(cipherName);
    if (cipher === undefined && cipherName !== 'none') {
        throw unreadable(`is encrypted with the unknown cipher ${JSON.stringify(cipherName)}`, {
            hint: `Known are ${[...CIPHERS.keys()].join(', ')}. Encrypt it anew: ssh-keygen -p -f FILE.`,
        });
    }
    if (cipher === undefined || kdf === 'none') {
        throw unreadable(`names the cipher ${cipherName} with the key derivation ${kdf}`);
    }
    const reader = new ssh_wire/* Reader */.mP(options);
    const salt = reader.string(MAX_SALT);
    const rounds = reader.uint32();
    reader.end('the options of bcrypt');
    if (salt.length === 0 || rounds === 0)
        throw unreadable('has no salt, or no rounds, for bcrypt');
    if (rounds > MAX_ROUNDS) {
        throw unreadable(`wants ${rounds} rounds of bcrypt; ${MAX_ROUNDS} are the most that are worked off`, {
            hint: `More would take longer than ten seconds. Encrypt a copy with fewer: ssh-keygen -p -a ${DEFAULT_ROUNDS} -f COPY.`,
        });
    }
    return { cipher, salt, rounds };
}
/** PROTOCOL.key, section 4: cipher key and IV from a passphrase. */
function deriveKey(cipher, passphrase, salt, rounds) {
    const secret = Buffer.from(passphrase);
    const derived = Buffer.alloc(cipher.key + cipher.iv);
    const { pbkdf } = (bcrypt_pbkdf_default());
    const code = pbkdf(secret, secret.length, salt, salt.length, derived, derived.length, rounds);
    secret.fill(0);
    if (code !== 0)
        throw unreadable('has settings for bcrypt that are out of bounds');
    return {
        key: derived.subarray(0, cipher.key),
        iv: derived.subarray(cipher.key),
        wipe: () => void derived.fill(0),
    };
}
function decrypt({ section, tag }, { cipher, salt, rounds }, passphrase) {
    const { key, iv, wipe } = deriveKey(cipher, passphrase, salt, rounds);
    try {
        if (cipher.mode === 'chachapoly')
            return decryptChachaPoly(key, section, tag);
        if (cipher.mode === 'gcm')
            return decryptGcm(cipher, key, iv, section, tag);
        // Whole blocks: `final` has nothing to add, nor to copy.
        return (0,external_node_crypto_.createDecipheriv)(cipher.name, key, iv).setAutoPadding(false).update(section);
    }
    finally {
        wipe();
    }
}
function decryptGcm(cipher, key, iv, section, tag) {
    const name = cipher.key === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
    const decipher = (0,external_node_crypto_.createDecipheriv)(name, key, iv, { authTagLength: cipher.tag }).setAuthTag(tag);
    const plain = decipher.update(section);
    try {
        decipher.final();
    }
    catch (cause) {
        plain.fill(0);
        throw wrongPassphrase(cause);
    }
    return plain;
}
/**
 * OpenSSH's chacha20-poly1305 (PROTOCOL.chacha20poly1305) as its key files use it: sequence number
 * 0, no length, no further data. It is older than RFC 8439's, and tags differently.
 */
function decryptChachaPoly(key, section, tag) {
    const main = key.subarray(0, 32);
    const macKey = chacha20(main, 0, Buffer.alloc(32));
    const expected = poly1305(macKey, section);
    macKey.fill(0);
    if (!(0,external_node_crypto_.timingSafeEqual)(expected, tag))
        throw wrongPassphrase();
    return chacha20(main, 1, section);
}
/** ChaCha20 from block `counter` on, with a nonce of zeros. */
function chacha20(key, counter, data) {
    const iv = Buffer.alloc(16); // as OpenSSL has it: counter, little-endian, then the nonce
    iv.writeUInt32LE(counter);
    return (0,external_node_crypto_.createCipheriv)('chacha20', key, iv).update(data);
}
/** RFC 8439 §2.5, which node:crypto does not offer by itself. */
function poly1305(key, message) {
    const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
    const s = littleEndian(key.subarray(16));
    let sum = 0n;
    for (let i = 0; i < message.length; i += 16) {
        const block = message.subarray(i, i + 16);
        sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * r) % ((1n << 130n) - 5n);
    }
    const hex = ((sum + s) & ((1n << 128n) - 1n)).toString(16).padStart(32, '0');
    return Buffer.from(hex, 'hex').reverse();
}
function littleEndian(bytes) {
    return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
function wrongPassphrase(cause) {
    return new src_errors/* TrustError */.Ru('key-passphrase-wrong', 'The passphrase of the OpenSSH key is wrong.', {
        hint: 'Try it with: ssh-keygen -y -f FILE.',
        cause,
    });
}
/** PROTOCOL.key, section 3. */
function readSection(section, { publicKey }, encrypted) {
    const reader = new ssh_wire/* Reader */.mP(section);
    if (reader.uint32() !== reader.uint32()) {
        // The numbers are there to tell this.
        if (encrypted)
            throw wrongPassphrase();
        throw unreadable('has two check numbers that differ: it is damaged');
    }
    const key = readKey(reader);
    for (let i = 1; reader.remaining > 0; i += 1) {
        if (reader.byte() !== (i & 0xff))
            throw unreadable('has wrong padding: it is damaged');
    }
    if (!key.publicKey.equals(publicKey)) {
        throw unreadable('names another public key than that of its private key');
    }
    return key;
}
function readKey(reader) {
    try {
        return private_key_readPrivateKey(reader);
    }
    catch (error) {
        if (error instanceof src_errors/* TrustError */.Ru)
            throw error;
        // Numbers so damaged that node:crypto does not even compare the halves.
        throw unreadable('holds numbers that make no valid key', { cause: error });
    }
}
/**
 * `key` as the text of an OpenSSH private key file; encrypted, as ssh-keygen does it, with
 * aes256-ctr and `rounds` of bcrypt where there is a passphrase.
 *
 * @throws TrustError `input-invalid` (rounds out of bounds)
 */
function encodeOpenSshKey(key, passphrase, rounds = DEFAULT_ROUNDS) {
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
        throw new TrustError('input-invalid', `Rounds of bcrypt are 1 to ${MAX_ROUNDS}.`);
    }
    const encrypted = passphrase !== undefined && passphrase.length > 0;
    const plain = writeSection(key, encrypted ? AES256_CTR.block : NONE_BLOCK);
    let head;
    let section = plain;
    if (encrypted) {
        const salt = randomBytes(SALT_BYTES);
        const { key: cipherKey, iv, wipe } = deriveKey(AES256_CTR, passphrase, salt, rounds);
        const cipher = createCipheriv(AES256_CTR.name, cipherKey, iv);
        section = Buffer.concat([cipher.update(plain), cipher.final()]);
        wipe();
        const options = Buffer.concat([string(salt), uint32(rounds)]);
        head = Buffer.concat([string('aes256-ctr'), string('bcrypt'), string(options)]);
    }
    else {
        head = Buffer.concat([string('none'), string('none'), string('')]);
    }
    const file = Buffer.concat([MAGIC, head, uint32(1), string(key.publicKey), string(section)]);
    const lines = file.toString('base64').match(/.{1,70}/g) ?? []; // as many columns as ssh-keygen
    plain.fill(0);
    file.fill(0);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
/** PROTOCOL.key, section 3, filled up to a multiple of `block`. */
function writeSection(key, block) {
    const check = randomBytes(4);
    const fields = writePrivateKey(key);
    const padding = (block - ((2 * check.length + fields.length) % block)) % block;
    const section = Buffer.concat([
        check,
        check,
        fields,
        Buffer.from(Array.from({ length: padding }, (_, i) => i + 1)),
    ]);
    fields.fill(0);
    return section;
}

;// CONCATENATED MODULE: ./src/ssh/pem-key.ts
/**
 * Private keys in PEM: PKCS#1, SEC1 and PKCS#8 (RFC 8017 A.1.2, RFC 5915, RFC 5958), plain or
 * encrypted (RFC 1421's headers, RFC 8018's PBES2). node:crypto reads them; here is what it does not
 * do: bounding the work, and saying what is wrong.
 */



/** Iterations of PBKDF2 that are worked off: some five seconds. OpenSSL writes 2,048; guides say 600,000. */
const MAX_PBKDF2 = 10_000_000;
/** Cost N·r·p of scrypt: some five seconds. OpenSSL writes 2^17. */
const MAX_SCRYPT = 2 ** 24;
/** OpenSSL's SCRYPT_MAX_MEM, above which it says only that something is unsupported. */
const MAX_SCRYPT_MEMORY = 32 * 1024 * 1024;
function isEncryptedPem({ label, headers }) {
    return (label.startsWith('ENCRYPTED') || headers.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line)));
}
/**
 * @param passphrase not looked at where none is needed
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
function decodePemKey(block, passphrase) {
    const encrypted = isEncryptedPem(block);
    if (encrypted && (passphrase === undefined || passphrase === '')) {
        throw new src_errors/* TrustError */.Ru('key-encrypted', 'The PEM key is encrypted with a passphrase.', {
            hint: 'Give its passphrase too.',
        });
    }
    requireBoundedWork(block);
    const lines = block.body.match(/.{1,64}/g) ?? [];
    // OpenSSL takes no others than these two, and these as a pair.
    const headers = block.headers.filter((line) => /^(?:Proc-Type|DEK-Info): /.test(line));
    const head = headers.length === 0 ? [] : [...headers, ''];
    const pem = [
        `-----BEGIN ${block.label}-----`,
        ...head,
        ...lines,
        `-----END ${block.label}-----`,
        '',
    ];
    let key;
    try {
        key = (0,external_node_crypto_.createPrivateKey)({ key: pem.join('\n'), ...(encrypted ? { passphrase } : {}) });
    }
    catch (error) {
        throw encrypted ? encryptedDefect(block, error) : damaged(block, error);
    }
    return privateKeyFrom(key);
}
function damaged({ label }, cause) {
    const message = `The contents of the ${label} are damaged, or of a kind that is not known.`;
    return new src_errors/* TrustError */.Ru('key-unreadable', message, {
        hint: 'Try it with: ssh-keygen -y -f FILE. If that fails too, the file itself is broken.',
        cause,
    });
}
function encryptedDefect(block, cause) {
    const code = (0,src_errors/* systemCode */.xU)(cause) ?? '';
    // What a wrong passphrase decrypts to is noise: it fails in the padding, or (one in 256) as no
    // ASN.1, which is ERR_OSSL_UNSUPPORTED, of the decoder. A cipher is missing from EVP alone.
    if (/EVP_UNSUPPORTED|UNSUPPORTED_(?:CIPHER|ENCRYPTION)|UNKNOWN_(?:CIPHER|PBE)/.test(code)) {
        const message = 'The PEM key is encrypted with a cipher that OpenSSL 3 does not have any more.';
        return new src_errors/* TrustError */.Ru('key-unreadable', message, {
            hint: 'Encrypt a copy anew: ssh-keygen -p -f COPY.',
            cause,
        });
    }
    return new src_errors/* TrustError */.Ru('key-passphrase-wrong', 'The passphrase of the PEM key is wrong.', {
        hint: 'Try it with: ssh-keygen -y -f FILE. (A damaged file looks the same.)',
        cause,
    });
}
/** Content octets of object identifiers: PBKDF2 (RFC 8018 A.2), scrypt (RFC 7914 §7). */
const PBKDF2 = Buffer.from('2a864886f70d01050c', 'hex');
const SCRYPT = Buffer.from('2b06010401da47040b', 'hex');
/** PKCS#12's own, with iterations too (RFC 7292 appendix C): all but the last octet. */
const PKCS12 = Buffer.from('2a864886f70d010c01', 'hex');
/** Refuses a PKCS#8 whose passphrase check would take forever: its cost stands in the clear. */
function requireBoundedWork(block) {
    if (block.label !== 'ENCRYPTED PRIVATE KEY')
        return;
    const bytes = Buffer.from(block.body, 'base64');
    const numbersAfter = (oid, more = 0) => {
        const start = bytes.indexOf(oid);
        if (start < 0)
            return [];
        const numbers = derIntegers(bytes.subarray(start + oid.length + more));
        // OpenSSL may read BER where this does not, so it must not get to see it.
        if (numbers === undefined)
            throw damaged(block);
        return numbers;
    };
    const iterations = [...numbersAfter(PBKDF2), ...numbersAfter(PKCS12, 1)];
    const [n = 0n, r = 0n, p = 0n] = numbersAfter(SCRYPT);
    if (iterations.some((count) => count > MAX_PBKDF2) || n * r * p > MAX_SCRYPT) {
        const message = 'Checking the passphrase of the PEM key would take too long.';
        throw new src_errors/* TrustError */.Ru('key-unreadable', message, {
            hint: 'Encrypt a copy with less: openssl pkcs8 -topk8 -iter 600000 -in FILE -out COPY.',
        });
    }
    // RFC 7914 §6: V of 128·r·N bytes, B of 128·r·p, and what OpenSSL needs besides.
    if (128n * r * (n + p + 2n) > MAX_SCRYPT_MEMORY) {
        const message = 'The PEM key wants more memory for scrypt than the 32 MiB that OpenSSL gives it.';
        throw new src_errors/* TrustError */.Ru('key-unreadable', message, {
            hint: 'Write the key anew, where it was made, with N=16384 and r=8, or in another format.',
        });
    }
}
/**
 * The integers of the parameters behind an algorithm's identifier: SEQUENCE { OCTET STRING salt,
 * INTEGER… }, in DER (X.690 §10); undefined for anything else.
 */
function derIntegers(der) {
    let at = 0;
    /** The length of the next element, if it is of this type. */
    const enter = (tag) => {
        const first = der[at + 1] ?? 0xff;
        const octets = first < 0x80 ? 0 : first & 0x7f;
        const start = at + 2 + octets;
        if (der[at] !== tag || first === 0x80 || octets > 4 || start > der.length)
            return undefined;
        at = start;
        return octets === 0 ? first : der.readUIntBE(start - octets, octets);
    };
    const sequence = enter(0x30);
    if (sequence === undefined)
        return undefined;
    const end = at + sequence;
    const salt = enter(0x04);
    if (salt === undefined)
        return undefined;
    at += salt;
    const integers = [];
    while (at < end && der[at] === 0x02) {
        const size = enter(0x02);
        if (size === undefined || at + size > end)
            return undefined;
        integers.push(BigInt(`0x0${der.subarray(at, at + size).toString('hex')}`));
        at += size;
    }
    return integers.length === 0 ? undefined : integers;
}

;// CONCATENATED MODULE: ./src/ssh/putty-key.ts
/**
 * PuTTY's private key files, PPK versions 2 and 3 (PuTTY manual, appendix C): read, and written as
 * version 3. Nothing of a file is used before its MAC is verified.
 */






/** Longest file that is looked at; one with an RSA key of 16384 bits has 10 KB. */
const MAX_TEXT = 64 * 1024;
/**
 * Bounds of Argon2: 1 GiB of memory, and 4 GiB written in all passes together, which takes some ten
 * seconds. puttygen writes 8 MiB and as many passes as take 0.1 s.
 */
const MAX_ARGON2_MEMORY = 1024 * 1024;
const MAX_ARGON2_WORK = 4 * 1024 * 1024;
const MAX_ARGON2_PARALLELISM = 64;
/** Passes times lanes: OpenSSL starts four threads for each, which costs more than little memory. */
const MAX_ARGON2_LANES = 4 * 1024;
const MIN_SALT = 8; // RFC 9106 §3.1
const putty_key_MAX_SALT = 64;
/** RFC 9106 §4, the second recommended option, in one thread: for the files written here. */
const WRITTEN = { memory: 64 * 1024, passes: 3, parallelism: 1 };
/** Appendix C.4: the bytes of cipher key, IV and MAC key for aes256-cbc. */
const KEY_BYTES = 32;
const BLOCK_BYTES = 16;
const MAC_BYTES = 32;
/** Appendix C.2: characters of a line of base64, as puttygen writes it. */
const COLUMNS = 64;
const FLAVOURS = { Argon2d: 'argon2d', Argon2i: 'argon2i', Argon2id: 'argon2id' };
/**
 * The key of a PuTTY private key file. A passphrase is not looked at where none is needed.
 *
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`, `platform-unsupported` (no Argon2)
 */
function decodePuttyKey(text, passphrase) {
    try {
        return decode(readFile(text), passphrase);
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru) || error.code !== 'malformed')
            throw error;
        throw putty_key_unreadable('is damaged', { cause: error });
    }
}
/** Whether a passphrase is needed; false, too, for what is no such file. */
function isEncryptedPuttyKey(text) {
    return /^\s*PuTTY-User-Key-File-.*\s+Encryption:\s*(?!none\b)\S/.test(text);
}
function putty_key_unreadable(what, details = {}) {
    return new src_errors/* TrustError */.Ru('key-unreadable', `The PuTTY key ${what}.`, {
        hint: 'Paste the whole .ppk file again, as it is.',
        ...details,
    });
}
function linesOf(text) {
    const lines = text.trim().split(/\r\n|\r|\n/); // appendix C.2: all three are tolerated
    let next = 0;
    const header = (name) => {
        const line = lines[next];
        if (line === undefined)
            throw putty_key_unreadable(`is cut short: its line ${name} is missing`);
        if (!line.startsWith(`${name}:`))
            throw putty_key_unreadable(`has no line ${name} where one must be`);
        next += 1;
        return line.slice(name.length + 1).replace(/^ /, '');
    };
    return {
        header,
        base64: (name) => {
            const count = decimal(name, header(name), lines.length);
            const body = lines.slice(next, next + count);
            if (body.length < count)
                throw putty_key_unreadable(`is cut short: it has fewer lines than ${name} says`);
            next += count;
            const joined = body.map((line) => line.trim()).join('');
            if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) {
                throw putty_key_unreadable(`has something other than base64 after ${name}`);
            }
            return Buffer.from(joined, 'base64');
        },
        hasMore: () => next < lines.length,
    };
}
function decimal(name, digits, max) {
    if (!/^[0-9]{1,10}$/.test(digits))
        throw putty_key_unreadable(`has a line ${name} without a number`);
    const number = Number(digits);
    if (number > max)
        throw putty_key_unreadable(`says ${name}: ${number}, and ${max} is the most`);
    return number;
}
function hexadecimal(name, digits) {
    if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits))
        throw putty_key_unreadable(`has a damaged line ${name}`);
    return Buffer.from(digits, 'hex');
}
/** Appendix C.2. */
function readFile(text) {
    if (text.length > MAX_TEXT)
        throw putty_key_unreadable('is too long for a key');
    const [, found] = /^\s*PuTTY-User-Key-File-([0-9]{1,4}):/.exec(text) ?? [];
    if (found === undefined)
        throw putty_key_unreadable('does not begin with PuTTY-User-Key-File');
    const version = Number(found);
    if (version !== 2 && version !== 3) {
        throw putty_key_unreadable(`is of version ${version}; 2 and 3 are known`, {
            hint: 'Load it into PuTTYgen and save it again.',
        });
    }
    const lines = linesOf(text);
    const algorithm = lines.header(`PuTTY-User-Key-File-${found}`).trim();
    requireType(algorithm);
    const encryption = lines.header('Encryption').trim();
    if (encryption !== 'none' && encryption !== 'aes256-cbc') {
        throw putty_key_unreadable(`is encrypted with the unknown cipher ${JSON.stringify(encryption)}`, {
            hint: 'PuTTY knows aes256-cbc alone.',
        });
    }
    const encrypted = encryption !== 'none';
    const comment = lines.header('Comment');
    const publicKey = lines.base64('Public-Lines');
    const argon2 = encrypted && version === 3 ? readArgon2(lines) : undefined;
    const privatePart = lines.base64('Private-Lines');
    const mac = hexadecimal('Private-MAC', lines.header('Private-MAC').trim());
    if (lines.hasMore())
        throw putty_key_unreadable('has more lines after Private-MAC');
    if (encrypted && (privatePart.length === 0 || privatePart.length % BLOCK_BYTES !== 0)) {
        throw putty_key_unreadable('has an encrypted part that is no multiple of 16 bytes');
    }
    return { version, algorithm, encrypted, comment, publicKey, argon2, privatePart, mac };
}
function requireType(algorithm) {
    if ((0,ssh_certificate/* isCertificateType */.qu)(algorithm)) {
        throw new src_errors/* TrustError */.Ru('key-unreadable', 'The PuTTY key has a certificate in it.', {
            hint: 'Take it out (puttygen FILE --remove-certificate -o NEW), and give the certificate by itself.',
        });
    }
    if (!(0,public_key/* isKeyType */.Cy)(algorithm))
        throw (0,public_key/* unsupportedType */.iO)(algorithm);
}
function readArgon2(lines) {
    const flavour = lines.header('Key-Derivation').trim();
    if (!isFlavour(flavour)) {
        throw putty_key_unreadable(`has the unknown key derivation ${JSON.stringify(flavour)}`, {
            hint: 'PuTTY knows Argon2d, Argon2i and Argon2id.',
        });
    }
    const count = (name, max) => decimal(name, lines.header(name).trim(), max);
    const memory = count('Argon2-Memory', MAX_ARGON2_MEMORY);
    const passes = count('Argon2-Passes', MAX_ARGON2_WORK);
    const parallelism = count('Argon2-Parallelism', MAX_ARGON2_PARALLELISM);
    const salt = hexadecimal('Argon2-Salt', lines.header('Argon2-Salt').trim());
    const threads = parallelism === 1 ? 0 : passes * parallelism;
    if (memory * passes > MAX_ARGON2_WORK || threads > MAX_ARGON2_LANES) {
        throw putty_key_unreadable(`wants ${passes} passes of Argon2 over ${memory} KiB (lanes: ${parallelism}), which would take longer than ten seconds`, {
            hint: 'Encrypt a copy with less: puttygen COPY --reencrypt --ppk-param memory=8192,time=100 -o NEW.',
        });
    }
    // RFC 9106 §3.1: at least one pass, and 8 KiB a lane.
    if (passes < 1 || parallelism < 1 || memory < 8 * parallelism) {
        throw putty_key_unreadable('has settings for Argon2 that are out of bounds');
    }
    if (salt.length < MIN_SALT || salt.length > putty_key_MAX_SALT) {
        throw putty_key_unreadable(`has a salt of ${salt.length} bytes`);
    }
    return { flavour, memory, passes, parallelism, salt };
}
function isFlavour(name) {
    return Object.hasOwn(FLAVOURS, name);
}
function decode(file, passphrase = '') {
    if (file.encrypted && passphrase.length === 0) {
        throw new src_errors/* TrustError */.Ru('key-encrypted', 'The PuTTY key is encrypted with a passphrase.', {
            hint: 'Give its passphrase too.',
        });
    }
    const material = deriveKeys(file, file.encrypted ? passphrase : '');
    const plain = file.encrypted ? putty_key_decrypt(file.privatePart, material) : file.privatePart;
    try {
        const comment = verifyMac(file, plain, material.macKey);
        return readParts(file, plain, comment);
    }
    finally {
        wipe(material);
        plain.fill(0);
    }
}
function wipe({ key, iv, macKey }) {
    for (const buffer of [key, iv, macKey])
        buffer.fill(0);
}
function deriveKeys({ version, argon2 }, passphrase) {
    const secret = Buffer.from(passphrase);
    try {
        if (version === 2)
            return deriveSha1(secret);
        // Appendix C.4: nothing is derived for a file that is not encrypted, not even a MAC key.
        if (argon2 === undefined) {
            return { key: Buffer.alloc(0), iv: Buffer.alloc(0), macKey: Buffer.alloc(0) };
        }
        return deriveArgon2(secret, argon2);
    }
    finally {
        secret.fill(0);
    }
}
/** Appendix C.5.1. */
function deriveSha1(passphrase) {
    const sha1 = (prefix) => external_node_crypto_.createHash('sha1').update(prefix).update(passphrase).digest();
    return {
        key: Buffer.concat([sha1((0,ssh_wire/* uint32 */.S8)(0)), sha1((0,ssh_wire/* uint32 */.S8)(1))]).subarray(0, KEY_BYTES),
        iv: Buffer.alloc(BLOCK_BYTES),
        macKey: sha1('putty-private-key-file-mac-key'),
    };
}
function deriveArgon2(passphrase, { flavour, memory, passes, parallelism, salt }) {
    const { argon2Sync } = external_node_crypto_;
    if (argon2Sync === undefined) {
        throw new src_errors/* TrustError */.Ru('platform-unsupported', `Encrypted PuTTY keys of version 3 need Argon2, which Node has since version 24.7; this is ${process.version}.`, {
            hint: 'Use Node 24, or convert the key: puttygen FILE -O private-openssh-new -o NEW.',
        });
    }
    const tagLength = KEY_BYTES + BLOCK_BYTES + MAC_BYTES;
    const costs = { parallelism, tagLength, memory, passes };
    const derived = argon2Sync(FLAVOURS[flavour], { message: passphrase, nonce: salt, ...costs });
    return {
        key: derived.subarray(0, KEY_BYTES),
        iv: derived.subarray(KEY_BYTES, KEY_BYTES + BLOCK_BYTES),
        macKey: derived.subarray(KEY_BYTES + BLOCK_BYTES),
    };
}
function putty_key_decrypt(bytes, { key, iv }) {
    // Whole blocks: `final` has nothing to add.
    return external_node_crypto_.createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(bytes);
}
/** Appendix C.2: what the MAC covers, the padding of the private part with it. */
function macOf(file, comment, plain, macKey) {
    const hmac = external_node_crypto_.createHmac(file.version === 2 ? 'sha1' : 'sha256', macKey);
    const encryption = file.encrypted ? 'aes256-cbc' : 'none';
    for (const part of [file.algorithm, encryption, comment, file.publicKey]) {
        hmac.update((0,ssh_wire/* string */.Yj)(part));
    }
    return hmac.update((0,ssh_wire/* uint32 */.S8)(plain.length)).update(plain).digest();
}
/**
 * The comment, in the bytes that the MAC holds for. PuTTYgen on Windows wrote the system's own
 * encoding, and a file that was pasted somewhere has become UTF-8 on the way.
 */
function verifyMac(file, plain, macKey) {
    for (const encoding of ['utf8', 'latin1']) {
        const expected = macOf(file, Buffer.from(file.comment, encoding), plain, macKey);
        if (expected.length === file.mac.length && external_node_crypto_.timingSafeEqual(expected, file.mac)) {
            return file.comment;
        }
    }
    if (!file.encrypted) {
        throw putty_key_unreadable('does not fit its MAC: it is damaged, or was changed', {
            hint: 'Its comment counts too, with every blank. Paste the whole .ppk file again, as it is.',
        });
    }
    throw new src_errors/* TrustError */.Ru('key-passphrase-wrong', 'The passphrase of the PuTTY key is wrong, or the file was changed.', { hint: 'Try it with: puttygen FILE -O public-openssh.' });
}
/** Appendix C.3: the private parts by type, put together with the public ones. */
function readParts(file, plain, comment) {
    const { algorithm, publicKey } = file;
    requireType(algorithm);
    if ((0,public_key/* typeOfBlob */.JX)(publicKey) !== algorithm) {
        throw putty_key_unreadable(`says ${algorithm}, and its public key something else`);
    }
    const open = new ssh_wire/* Reader */.mP(publicKey);
    open.string();
    const secret = new ssh_wire/* Reader */.mP(plain);
    let fields;
    if (algorithm === 'ssh-ed25519') {
        const point = open.string(32);
        const seed = Buffer.alloc(32);
        // Little-endian: leading zeros, which older versions of PuTTY leave out, stand at its end.
        secret.string(32).copy(seed);
        fields = [(0,ssh_wire/* string */.Yj)(point), (0,ssh_wire/* string */.Yj)(Buffer.concat([seed, point]))];
        seed.fill(0);
    }
    else if ((0,public_key/* isEcdsa */.NT)(algorithm)) {
        fields = [open.rest(), (0,ssh_wire/* mpint */.lW)(secret.mpint())];
    }
    else {
        const [e, n] = [open.mpint(), open.mpint()];
        const [d, p, q, iqmp] = [secret.mpint(), secret.mpint(), secret.mpint(), secret.mpint()];
        fields = [n, e, d, iqmp, p, q].map(ssh_wire/* mpint */.lW);
    }
    open.end('the public key'); // the private part is followed by padding
    const wire = Buffer.concat([(0,ssh_wire/* string */.Yj)(algorithm), ...fields, (0,ssh_wire/* string */.Yj)(comment)]);
    try {
        return private_key_readPrivateKey(new ssh_wire/* Reader */.mP(wire));
    }
    catch (error) {
        if (error instanceof src_errors/* TrustError */.Ru)
            throw error;
        // Numbers so damaged that node:crypto does not even compare the halves.
        throw putty_key_unreadable('holds numbers that make no valid key', { cause: error });
    }
    finally {
        for (const buffer of [wire, ...fields])
            buffer.fill(0);
    }
}
/**
 * `key` as the text of a PuTTY private key file of version 3, which PuTTY reads since 0.75;
 * encrypted with Argon2id and aes256-cbc where there is a passphrase.
 *
 * @throws TrustError `platform-unsupported` (a passphrase, and no Argon2)
 */
function encodePuttyKey(key, passphrase) {
    const encrypted = passphrase !== undefined && passphrase.length > 0;
    const argon2 = encrypted
        ? { flavour: 'Argon2id', ...WRITTEN, salt: crypto.randomBytes(16) }
        : undefined;
    const file = { version: 3, algorithm: key.type, encrypted, publicKey: key.publicKey };
    const material = deriveKeys({ version: 3, argon2 }, passphrase ?? '');
    const plain = writeParts(key, encrypted);
    const comment = key.comment.replace(/[\r\n]+/g, ' '); // appendix C.2: all bytes but these
    const mac = macOf(file, Buffer.from(comment), plain, material.macKey);
    const privatePart = encrypted ? encrypt(plain, material) : plain;
    const text = [
        `PuTTY-User-Key-File-3: ${key.type}`,
        `Encryption: ${encrypted ? 'aes256-cbc' : 'none'}`,
        `Comment: ${comment}`,
        ...base64Lines('Public-Lines', key.publicKey),
        ...(argon2 === undefined ? [] : argon2Lines(argon2)),
        ...base64Lines('Private-Lines', privatePart),
        `Private-MAC: ${mac.toString('hex')}`,
        '',
    ].join('\n');
    wipe(material);
    plain.fill(0);
    return text;
}
function encrypt(plain, { key, iv }) {
    return crypto.createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(plain);
}
function argon2Lines({ flavour, memory, passes, parallelism, salt }) {
    return [
        `Key-Derivation: ${flavour}`,
        `Argon2-Memory: ${memory}`,
        `Argon2-Passes: ${passes}`,
        `Argon2-Parallelism: ${parallelism}`,
        `Argon2-Salt: ${salt.toString('hex')}`,
    ];
}
function base64Lines(name, bytes) {
    const lines = bytes.toString('base64').match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
    return [`${name}: ${lines.length}`, ...lines];
}
/** Appendix C.3, filled up with random bytes to whole blocks where it will be encrypted. */
function writeParts({ type, key }, encrypted) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    const fields = type === 'ssh-ed25519'
        ? [string(part('d'))]
        : isEcdsa(type)
            ? [mpint(part('d'))]
            : ['d', 'p', 'q', 'qi'].map((name) => mpint(part(name)));
    const length = fields.reduce((sum, field) => sum + field.length, 0);
    const padding = encrypted ? (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES : 0;
    const parts = Buffer.concat([...fields, crypto.randomBytes(padding)]);
    for (const field of fields)
        field.fill(0);
    return parts;
}

;// CONCATENATED MODULE: ./src/ssh/key-file.ts
/**
 * Private keys as text, the way people paste them into a secret: in any of the formats, one or many,
 * with what copying does to them. What is certain is repaired, and told; what is not is named.
 */






/** Largest text that is looked at: some sixty RSA-4096 keys; GitHub's own limit for a secret is 48 KB. */
const key_file_MAX_TEXT = 256 * 1024;
/** Each encrypted key may cost seconds. */
const MAX_KEYS = 64;
/**
 * All private keys in `text`, in their order.
 *
 * @param passphrases one for all, or one for each encrypted key, in their order
 * @throws TrustError `key-empty`, `key-is-public`, `key-unreadable`, `key-encrypted`,
 *   `key-passphrase-wrong`, `key-type-unsupported`, `key-too-small`, `platform-unsupported`,
 *   `input-invalid` (not as many passphrases as encrypted keys)
 */
function parsePrivateKeys(text, passphrases = []) {
    if (text.length > key_file_MAX_TEXT) {
        const message = `This is too long for private keys (${text.length} characters).`;
        throw new src_errors/* TrustError */.Ru('key-unreadable', message);
    }
    if (text.trim() === '') {
        throw new src_errors/* TrustError */.Ru('key-empty', 'There is no key: the value is empty.');
    }
    const repairs = [];
    const segments = split(repair(text, repairs), repairs);
    const secret = segments.filter(({ format }) => format === 'pem' || format === 'putty');
    if (secret.length === 0)
        throw notAKey(text, segments);
    if (segments.some(({ format }) => format === 'public')) {
        repairs.push('a public key beside the private one was left out');
    }
    return {
        keys: decodeAll(secret, passphrases),
        certificates: segments.flatMap((segment) => segment.format === 'certificate' ? [segment.blob] : []),
        repairs,
    };
}
/** Decodes each key, and says which one an error is about where there are several. */
function decodeAll(segments, passphrases) {
    if (segments.length > MAX_KEYS) {
        const message = `These are ${segments.length} keys; ${MAX_KEYS} are the most.`;
        throw new src_errors/* TrustError */.Ru('key-unreadable', message);
    }
    const encrypted = segments.filter(isEncrypted);
    if (passphrases.length > 1 && passphrases.length !== encrypted.length) {
        const counts = `${passphrases.length} passphrases, and ${encrypted.length} encrypted keys`;
        throw new src_errors/* TrustError */.Ru('input-invalid', `There are ${counts}.`, {
            input: 'passphrase',
            hint: 'Give one passphrase for all, or one a line for each encrypted key, in their order.',
        });
    }
    return segments.map((segment, index) => {
        const own = passphrases.length > 1 ? passphrases[encrypted.indexOf(segment)] : passphrases[0];
        try {
            return key_file_decode(segment, own);
        }
        catch (error) {
            if (!(error instanceof src_errors/* TrustError */.Ru))
                throw error;
            const { code, hint, cause } = error;
            const which = segments.length === 1 ? '' : `Key ${index + 1} of ${segments.length}: `;
            // What stands where a name should may be a piece of the key.
            const message = error.message.replace(/[A-Za-z0-9+/=]{16,}/g, '…');
            const details = { cause, ...(hint === undefined ? {} : { hint }) };
            throw new src_errors/* TrustError */.Ru(code, `${which}${message}`, details);
        }
    });
}
function isEncrypted(segment) {
    if (segment.format === 'putty')
        return isEncryptedPuttyKey(segment.text);
    if (segment.format !== 'pem')
        return false;
    const { block } = segment;
    return block.label === 'OPENSSH PRIVATE KEY'
        ? isEncryptedOpenSshKey(Buffer.from(block.body, 'base64'))
        : isEncryptedPem(block);
}
function key_file_decode(segment, passphrase) {
    if (segment.format === 'putty')
        return decodePuttyKey(segment.text, passphrase);
    if (segment.format !== 'pem')
        throw new Error('not a private key');
    const { block } = segment;
    requirePrivateKey(block);
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(block.body)) {
        const message = `What stands between BEGIN and END ${block.label} is not base64.`;
        throw new src_errors/* TrustError */.Ru('key-unreadable', message, {
            hint: 'Paste the file again as it is; nothing may be added, replaced or left out.',
        });
    }
    return block.label === 'OPENSSH PRIVATE KEY'
        ? decodeOpenSshKey(Buffer.from(block.body, 'base64'), passphrase)
        : decodePemKey(block, passphrase);
}
function requirePrivateKey({ label }) {
    if (/^PGP /.test(label)) {
        throw new src_errors/* TrustError */.Ru('key-unreadable', 'This is a PGP key; SSH has keys of its own.', {
            hint: 'Make an SSH key: ssh-keygen -t ed25519.',
        });
    }
    if (label === 'DSA PRIVATE KEY')
        throw (0,public_key/* unsupportedType */.iO)('ssh-dss');
    if (!/PRIVATE KEY$/.test(label)) {
        throw new src_errors/* TrustError */.Ru('key-unreadable', `This is no private key: it says BEGIN ${label}.`);
    }
}
// --- repairs ---------------------------------------------------------------------------------
const MARKS = /-----BEGIN |-----END |---- BEGIN SSH2 |PuTTY-User-Key-File-/;
/** Undoes what copying and secret stores do to a text as a whole. */
function repair(text, repairs) {
    const step = (before, after, told) => {
        if (after !== before)
            repairs.push(told);
        return after;
    };
    const unwrap = (before) => unquote(step(before, before.replace(/^\uFEFF/, ''), 'a byte order mark was taken off'), step);
    let now = unwrap(text);
    if (!MARKS.test(now)) {
        const decoded = decodeWhole(now);
        if (decoded !== undefined && MARKS.test(decoded)) {
            now = unwrap(step(now, decoded, 'the whole was base64, and was decoded once'));
        }
    }
    now = step(now, withNewlines(now), 'literal \\n were turned into line ends');
    now = step(now, now.replace(/\r\n|\r/g, '\n'), 'line ends of Windows or old Macs were changed');
    now = step(now, unfold(now), 'line ends around BEGIN and END were put back');
    if (!now.endsWith('\n'))
        now = step(now, `${now}\n`, 'the last line end was put back');
    return now;
}
function unquote(text, step) {
    const inner = /^\s*(["'])([\s\S]*)\1\s*$/.exec(text)?.[2];
    return inner === undefined ? text : step(text, inner, 'quotes around it were taken off');
}
/** The text that `text` is the base64 of, if it is base64. */
function decodeWhole(text) {
    const compact = text.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(compact))
        return undefined;
    return Buffer.from(compact, 'base64').toString('utf8');
}
/** `\n` written out, as JSON and some secret stores leave it. */
function withNewlines(text) {
    const writtenOut = /-----BEGIN [A-Z0-9 ]+-----\s*\\[rn]/.test(text) || !text.trim().includes('\n');
    return writtenOut ? text.replace(/(\\r)?\\n|\\r/g, '\n') : text;
}
/** A PEM block of one line, or with its BEGIN or END on a line with something else. */
function unfold(text) {
    return text
        .replace(/(-----(?:BEGIN|END) [A-Z0-9 ]+-----)[ \t]*(?=\S)/g, '$1\n')
        .replace(/(\S)[ \t]*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)/g, '$1\n$2')
        .replace(/^[ \t]*(Proc-Type: \S+)[ \t]+(DEK-Info: \S+)[ \t]*/gm, '$1\n$2\n\n')
        .replace(/^[ \t]*(DEK-Info: \S+)[ \t]+(?=\S)/gm, '$1\n\n');
}
// --- segments --------------------------------------------------------------------------------
/** The keys in a repaired text, and notes on what else is in it. */
function split(text, repairs) {
    const lines = text.split('\n');
    const segments = [];
    let indented = false;
    let spaced = false;
    let strange = false;
    for (let i = 0; i < lines.length; i += 1) {
        const line = lines[i] ?? '';
        const bare = line.trim();
        if (bare === '')
            continue;
        const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(bare)?.[1];
        if (label !== undefined) {
            const end = endOf(lines, i, label);
            const block = readPem(label, lines.slice(i + 1, end));
            indented ||= lines.slice(i, end + 1).some((each) => /^[ \t]/.test(each));
            spaced ||= lines.slice(i + 1, end).some(hasBlanksInBase64);
            if (/PUBLIC KEY$/.test(label))
                segments.push({ format: 'public' });
            // openssl ecparam -genkey writes the curve's name first, in a block of its own.
            else if (label !== 'EC PARAMETERS')
                segments.push({ format: 'pem', block });
            i = end;
        }
        else if (bare.startsWith('PuTTY-User-Key-File-')) {
            const count = puttyLines(lines.slice(i));
            // Indentation alone may go: blanks of the comment are in the file's MAC.
            const own = lines.slice(i, i + count).map((each) => each.replace(/^[ \t]+/, ''));
            indented ||= own.some((each, index) => each !== lines[i + index]);
            segments.push({ format: 'putty', text: own.join('\n') });
            i += count - 1;
        }
        else if (bare.startsWith('---- BEGIN SSH2 ')) {
            if (bare.includes('PRIVATE'))
                throw ssh2PrivateKey();
            segments.push({ format: 'public' });
            while (i < lines.length - 1 && !MARKS.test(lines[i + 1] ?? '')) {
                i += 1;
                if ((lines[i] ?? '').trim().startsWith('---- END'))
                    break;
            }
        }
        else if (bare.startsWith('-----END ')) {
            // Of a damaged line nothing is shown: it may have the key on it.
            const shown = /^-----END [A-Z0-9 ]+-----$/.test(bare) ? bare : '-----END …';
            throw new src_errors/* TrustError */.Ru('key-unreadable', `There is a line ${shown} without its BEGIN line.`, {
                hint: 'Paste the whole file, from BEGIN to END.',
            });
        }
        else {
            const segment = publicLine(bare);
            if (segment === undefined)
                strange = true;
            else
                segments.push(segment);
        }
    }
    if (indented)
        repairs.push('indentation was taken off');
    if (spaced)
        repairs.push('blanks inside of a key were taken out');
    if (strange && segments.length > 0)
        repairs.push('text outside of the keys was left out');
    return segments;
}
function endOf(lines, start, label) {
    for (let i = start + 1; i < lines.length; i += 1) {
        const line = (lines[i] ?? '').trim();
        if (line === `-----END ${label}-----`)
            return i;
        if (line.startsWith('-----BEGIN '))
            break;
    }
    throw new src_errors/* TrustError */.Ru('key-unreadable', `The line -----END ${label}----- is missing.`, {
        hint: 'The key was cut short when it was copied. Paste the whole file, from BEGIN to END.',
    });
}
const PEM_HEADER = /^[A-Za-z0-9-]+: /;
function readPem(label, content) {
    const lines = content.map((line) => line.trim());
    const headers = lines.filter((line) => PEM_HEADER.test(line));
    const body = lines.filter((line) => !PEM_HEADER.test(line));
    return { label, headers, body: body.join('').replace(/[ \t]+/g, '') };
}
function hasBlanksInBase64(line) {
    return !PEM_HEADER.test(line.trim()) && /[ \t]/.test(line.trim());
}
/** How many lines a PuTTY file has: up to its last, Private-MAC. */
function puttyLines(lines) {
    const last = lines.findIndex((line) => line.trim().startsWith('Private-MAC:'));
    return last < 0 ? lines.length : last + 1;
}
function publicLine(line) {
    const blob = (0,ssh_certificate/* certificateOnLine */.tr)(line);
    if (blob !== undefined)
        return { format: 'certificate', blob };
    const words = line.split(/[ \t]+/);
    const isKey = (name) => (0,public_key/* isKeyType */.Cy)(name) || name === 'ssh-dss' || name.startsWith('sk-');
    // Options of authorized_keys, or host names of known_hosts, may stand before it.
    const known = words.some((word, i) => isKey(word) && (i === 0 || words[i + 1]?.startsWith('AAAA')));
    return known ? { format: 'public' } : undefined;
}
// --- defects ---------------------------------------------------------------------------------
function notAKey(text, segments) {
    if (segments.some(({ format }) => format === 'public'))
        return publicKeyGiven();
    if (segments.some(({ format }) => format === 'certificate')) {
        return new src_errors/* TrustError */.Ru('key-is-public', 'This is a certificate; its private key is needed beside it.', {
            hint: 'Paste the private key (the file without -cert.pub) before it.',
        });
    }
    const twice = decodeWhole(decodeWhole(text) ?? '') ?? '';
    if (MARKS.test(twice)) {
        return new src_errors/* TrustError */.Ru('key-unreadable', 'This is base64 of base64; only one is undone.', {
            hint: 'Encode the file once, or paste it as it is.',
        });
    }
    if (/^[A-Za-z0-9+/=\s]{64,}$/.test(text.trim())) {
        return new src_errors/* TrustError */.Ru('key-unreadable', 'This looks like the inside of a key without its BEGIN and END lines.', {
            hint: 'Paste the whole file, with the lines -----BEGIN … PRIVATE KEY----- and -----END … PRIVATE KEY-----.',
        });
    }
    return new src_errors/* TrustError */.Ru('key-unreadable', 'This is not a private key: it has no line -----BEGIN … PRIVATE KEY-----.', {
        hint: 'Paste the whole private key file (for example ~/.ssh/id_ed25519), with its BEGIN and END lines.',
    });
}
function publicKeyGiven() {
    return new src_errors/* TrustError */.Ru('key-is-public', 'This is a public key; a private key is needed.', {
        hint: 'The private key is the file without .pub; it begins with -----BEGIN. The public key belongs into authorized_keys on the server.',
    });
}
function ssh2PrivateKey() {
    return new src_errors/* TrustError */.Ru('key-unreadable', 'This is a private key of SSH Communications’ own format, which is not read.', {
        hint: 'Convert it where it was made: ssh-keygen-g3 --export-private-key, or load it into PuTTYgen and export it as OpenSSH.',
    });
}

// EXTERNAL MODULE: ./src/ssh/authorized-keys.ts
var authorized_keys = __nccwpck_require__(8962);
;// CONCATENATED MODULE: ./src/trust/duration.ts
/** Spans of time as sshd_config(5), TIME FORMATS, writes them: `90`, `15m`, `1h30m`, `2d`, `1w`. */

const SECONDS = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
/** Longest span that is taken: ten years. */
const MAX_SECONDS = 10 * 365 * 86_400;
/**
 * @returns seconds
 * @throws TrustError `input-invalid`
 */
function parseDuration(text) {
    const compact = text.trim().toLowerCase();
    const parts = [...compact.matchAll(/([0-9]{1,9})([smhdw]?)/g)];
    const whole = parts.map(([part]) => part).join('') === compact;
    const seconds = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (SECONDS[unit] ?? 0), 0);
    if (whole && seconds > 0 && seconds <= MAX_SECONDS)
        return seconds;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is no span of time.`, {
        hint: 'Write 15m, 8h, 1h30m, 2d or 1w; a number alone is seconds; ten years are the most.',
    });
}

// EXTERNAL MODULE: ./src/trust/hosts.ts + 1 modules
var trust_hosts = __nccwpck_require__(361);
;// CONCATENATED MODULE: ./src/trust/input-values.ts
/** Values that inputs are made of: booleans, numbers, lists. Each error says what would be right. */

/** @throws TrustError `input-invalid` */
function readBoolean(text, whenEmpty) {
    if (text === '')
        return whenEmpty;
    // The YAML 1.2 core schema's booleans, as @actions/core takes them.
    if (['true', 'True', 'TRUE'].includes(text))
        return true;
    if (['false', 'False', 'FALSE'].includes(text))
        return false;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is neither true nor false.`);
}
/**
 * A number from 1 upwards; undefined for an empty text.
 *
 * @throws TrustError `input-invalid`
 */
function readCount(text) {
    if (text === '')
        return undefined;
    if (/^[1-9][0-9]{0,8}$/.test(text))
        return Number(text);
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is not a number from 1 to 999999999.`);
}
/** Names separated by commas or white space. */
function readNames(text) {
    return text.split(/[\s,]+/).filter((name) => name !== '');
}
/** Lines that are not empty. Blanks within are their own: a passphrase may have them. */
function readLines(text) {
    return text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
}
/**
 * A time to wait for a host.
 *
 * @returns milliseconds
 * @throws TrustError `input-invalid`
 */
function readTimeout(text, whenEmpty) {
    const seconds = text === '' ? whenEmpty : Number(text);
    if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 300)
        return seconds * 1000;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is not a number of seconds from 1 to 300.`);
}
/** Collects what is wrong with several inputs, so that all of it can be told at once. */
function input_values_collectErrors() {
    const errors = [];
    return {
        errors,
        attempt: (input, read) => {
            try {
                return read();
            }
            catch (error) {
                if (!(error instanceof src_errors/* TrustError */.Ru))
                    throw error;
                errors.push(error.about(input));
                return undefined;
            }
        },
    };
}

// EXTERNAL MODULE: ./src/ssh/pin.ts
var ssh_pin = __nccwpck_require__(8933);
;// CONCATENATED MODULE: ./src/ssh/public-key-file.ts
/**
 * Public keys as people have them: a line of OpenSSH with or without authorized_keys options
 * (sshd(8), AUTHORIZED_KEYS FILE FORMAT), RFC 4716, and PEM with SPKI (RFC 5280 §4.1.2.7) or PKCS#1
 * (RFC 8017 appendix A.1.1) in it. Read whichever it is, and written in each.
 */




/** Longest text that is looked at; an RSA key of 16384 bits has 3 KB. */
const public_key_file_MAX_TEXT = 64 * 1024;
/**
 * The one public key in `text`, in whatever format.
 *
 * @throws TrustError `key-empty`, `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
function parsePublicKeyText(text) {
    if (text.length > public_key_file_MAX_TEXT)
        throw public_key_file_unreadable('This is too long for a public key.');
    const lines = text
        .replace(/^\uFEFF/, '')
        .split(/\r\n|\r|\n/)
        .map((line) => line.trimEnd());
    const used = lines.filter((line) => line !== '' && !/^\s*#/.test(line));
    const first = used[0]?.trimStart();
    if (first === undefined)
        throw new src_errors/* TrustError */.Ru('key-empty', 'There is no public key.');
    try {
        if (first.startsWith('-----BEGIN '))
            return parsePem(used);
        if (first.startsWith('---- '))
            return parseRfc4716(used);
        if (used.length > 1 && !first.startsWith('PuTTY-User-Key-File-')) {
            throw public_key_file_unreadable(`There are ${used.length} lines where one public key is expected.`, {
                hint: 'A public key of OpenSSH is one line: type, base64, comment. If it was broken when it was copied, join it again.',
            });
        }
        return parseLine(first);
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru) || error.code !== 'malformed')
            throw error;
        throw public_key_file_unreadable('The public key is cut short or damaged.', {
            hint: 'Copy it again, the whole of it.',
            cause: error,
        });
    }
}
function public_key_file_unreadable(message, details = {}) {
    return new src_errors/* TrustError */.Ru('key-unreadable', message, details);
}
function privateKeyGiven() {
    return public_key_file_unreadable('This is a private key; a public key is needed.', {
        hint: 'Its public key: ssh-keygen -y -f FILE, or for a .ppk file puttygen FILE -L. If the private key was seen by others here, replace it.',
    });
}
/** sshd(8): options first, if any; they have blanks in double quotes only. */
function parseLine(line) {
    if (line.startsWith('PuTTY-User-Key-File-'))
        throw privateKeyGiven();
    const { options, key } = isTypeName(line.split(/[ \t]/, 1)[0] ?? '')
        ? { options: [], key: line }
        : splitOptions(line);
    const [type = '', base64] = key.split(/[ \t]+/);
    if ((0,ssh_certificate/* isCertificateType */.qu)(type)) {
        throw public_key_file_unreadable('This is a certificate; a plain public key is needed.', {
            hint: 'It is the file without -cert in its name.',
        });
    }
    if (isTypeName(type) && base64 === undefined) {
        throw public_key_file_unreadable(`There is no key after ${type}.`);
    }
    return { ...(0,public_key/* parsePublicKey */.ee)(key), format: 'openssh', options, headers: new Map() };
}
/** Looks like the name of a key type (RFC 4253 §6.6, RFC 5656, and OpenSSH's own); no option does. */
function isTypeName(word) {
    return /^(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+$/.test(word);
}
function splitOptions(line) {
    const options = [];
    let quoted = false;
    let start = 0;
    let end = 0;
    for (; end < line.length && (quoted || !/[ \t]/.test(line.charAt(end))); end += 1) {
        const char = line.charAt(end);
        if (char === '\\' && line.charAt(end + 1) === '"')
            end += 1;
        else if (char === '"')
            quoted = !quoted;
        else if (char === ',' && !quoted) {
            options.push(line.slice(start, end));
            start = end + 1;
        }
    }
    options.push(line.slice(start, end));
    if (quoted)
        throw public_key_file_unreadable('The options before the key have a quote that does not end.');
    const key = line.slice(end).trimStart();
    if (key === '' || !options.every((option) => /^[A-Za-z0-9-]+(?:=".*")?$/.test(option))) {
        throw public_key_file_unreadable('This is not a public key: it begins with no key type that is known.', {
            hint: 'Give the line of the .pub file (ssh-ed25519 AAAA…), an RFC 4716 file, or PEM. Options before it are those of authorized_keys; a line of known_hosts needs its host names taken off.',
        });
    }
    return { options, key };
}
/** RFC 4716 §3.2; `ssh-keygen -i` is as lax about the blanks. */
const RFC4716_BEGIN = '---- BEGIN SSH2 PUBLIC KEY ----';
const RFC4716_END = '---- END SSH2 PUBLIC KEY ----';
/** RFC 4716 §3.3, in bytes. */
const MAX_TAG = 64;
const MAX_VALUE = 1024;
const MAX_LINE = 72;
function parseRfc4716(lines) {
    const begin = lines[0]?.trim() ?? '';
    const rest = lines.slice(1);
    if (begin !== RFC4716_BEGIN) {
        if (begin.includes('PRIVATE KEY'))
            throw privateKeyGiven();
        throw public_key_file_unreadable(`This does not begin with ${RFC4716_BEGIN}.`);
    }
    const end = rest.findIndex((line) => line.trim() === RFC4716_END);
    if (end < 0)
        throw endMissing(RFC4716_END);
    if (end !== rest.length - 1)
        throw textAfterEnd();
    const { headers, body } = readHeaders(rest.slice(0, end));
    const blob = decodeBase64(body.map((line) => line.trim()).join(''));
    const comment = unquoted(headers.get('comment') ?? '');
    return { ...publicKeyOf(blob, comment), format: 'rfc4716', options: [], headers };
}
/** RFC 4716 §3.3: `tag: value` until a line has no colon; a backslash continues a line. */
function readHeaders(lines) {
    const headers = new Map();
    let next = 0;
    while (next < lines.length && lines[next]?.includes(':') === true) {
        let line = '';
        let more = true;
        while (more) {
            const part = lines[next] ?? '';
            next += 1;
            more = part.endsWith('\\') && next < lines.length;
            line += more ? part.slice(0, -1) : part;
        }
        const colon = line.indexOf(':');
        const tag = line.slice(0, colon).trim().toLowerCase();
        const value = line.slice(colon + 1).trim();
        if (tag === '' || tag.length > MAX_TAG || Buffer.byteLength(value) > MAX_VALUE) {
            throw public_key_file_unreadable(`A header of the key has a tag of more than ${MAX_TAG} or a value of more than ${MAX_VALUE} bytes.`);
        }
        headers.set(tag, value);
    }
    return { headers, body: lines.slice(next) };
}
/** RFC 4716 §3.3.2: quotes around a comment are no part of it. PuTTY escapes those inside. */
function unquoted(comment) {
    return /^".*"$/.test(comment) ? comment.slice(1, -1).replace(/\\(["\\])/g, '$1') : comment;
}
function endMissing(end) {
    return public_key_file_unreadable(`The line ${end} is missing.`, {
        hint: 'The key was cut short when it was copied. Copy the whole file.',
    });
}
function textAfterEnd() {
    return public_key_file_unreadable('There is more after the END line; one public key is expected.');
}
function decodeBase64(body) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
        throw public_key_file_unreadable('What stands between BEGIN and END is not base64.', {
            hint: 'Copy the file again as it is.',
        });
    }
    return Buffer.from(body, 'base64');
}
function publicKeyOf(blob, comment) {
    if ((0,ssh_certificate/* isCertificateType */.qu)((0,public_key/* typeOfBlob */.JX)(blob))) {
        throw public_key_file_unreadable('This is a certificate; a plain public key is needed.');
    }
    const { type } = (0,public_key/* decodePublicKey */.F2)(blob);
    if (type === 'ssh-rsa')
        (0,public_key/* requireRsaSize */.Tm)(blob);
    return { type, blob, comment };
}
const PEM_TYPES = new Map([
    ['PUBLIC KEY', 'spki'],
    ['RSA PUBLIC KEY', 'pkcs1'],
]);
function parsePem(lines) {
    const [begin = '', ...rest] = lines.map((line) => line.trim());
    const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(begin)?.[1];
    if (label === undefined)
        throw public_key_file_unreadable('The line -----BEGIN …----- is damaged.');
    if (/PRIVATE KEY/.test(label))
        throw privateKeyGiven();
    if (label === 'DSA PUBLIC KEY')
        throw (0,public_key/* unsupportedType */.iO)('ssh-dss');
    const format = PEM_TYPES.get(label);
    if (format === undefined) {
        throw public_key_file_unreadable(`This is a ${label.toLowerCase()}, not a public key of SSH.`);
    }
    const end = rest.indexOf(`-----END ${label}-----`);
    if (end < 0)
        throw endMissing(`-----END ${label}-----`);
    if (end !== rest.length - 1)
        throw textAfterEnd();
    const der = decodeBase64(rest.slice(0, end).join(''));
    const { blob } = (0,public_key/* encodePublicKey */.H3)(readDer(der, format));
    return { ...publicKeyOf(blob, ''), format, options: [], headers: new Map() };
}
function readDer(der, type) {
    let key;
    try {
        key = (0,external_node_crypto_.createPublicKey)({ key: der, format: 'der', type });
    }
    catch (cause) {
        throw public_key_file_unreadable('The public key is cut short or damaged, or of a kind that is not known.', {
            hint: 'Try it with: openssl pkey -pubin -noout -text -in FILE.',
            cause,
        });
    }
    const kind = key.asymmetricKeyType ?? 'unknown';
    if (kind === 'dsa')
        throw (0,public_key/* unsupportedType */.iO)('ssh-dss');
    if (kind === 'ec') {
        const curve = key.asymmetricKeyDetails?.namedCurve ?? 'unknown';
        if (!['prime256v1', 'secp384r1', 'secp521r1'].includes(curve))
            throw (0,public_key/* unsupportedType */.iO)(curve);
    }
    else if (kind !== 'ed25519' && kind !== 'rsa') {
        throw (0,public_key/* unsupportedType */.iO)(kind);
    }
    if (derLength(der) !== der.length)
        throw public_key_file_unreadable('There are bytes too many after the key.');
    return key;
}
/** The length of the SEQUENCE that `der` is, with its head (ITU-T X.690 §8.1.3). */
function derLength(der) {
    const short = der[1] ?? 0;
    if (short < 0x80)
        return 2 + short;
    const bytes = short & 0x7f;
    return bytes < 1 || bytes > 4 || der.length < 2 + bytes ? 0 : 2 + bytes + der.readUIntBE(2, bytes);
}
/**
 * A key in wire format as RFC 4716 has it, with a Comment header if there is one. A comment is cut
 * to what fits its line: RFC 4716 §3.3 would have it continued, and PuTTY can't read that.
 */
function formatRfc4716(blob, comment = '') {
    const header = comment === '' ? [] : [commentHeader(comment.replace(/[\r\n]+/g, ' '))];
    const body = blob.toString('base64').match(/.{1,70}/g) ?? []; // as many columns as ssh-keygen
    return [RFC4716_BEGIN, ...header, ...body, RFC4716_END, ''].join('\n');
}
function commentHeader(comment) {
    let header = 'Comment: "';
    for (const char of comment) {
        if (Buffer.byteLength(header + char) >= MAX_LINE)
            break; // the second quote has to go in
        header += char;
    }
    return `${header}"`;
}
/** A key in wire format as PEM, SubjectPublicKeyInfo (`BEGIN PUBLIC KEY`). */
function formatSpki(blob) {
    return decodePublicKey(blob).key.export({ format: 'pem', type: 'spki' }).toString();
}
/**
 * A key in wire format as PEM, PKCS#1 (`BEGIN RSA PUBLIC KEY`).
 *
 * @throws TrustError `key-type-unsupported` (PKCS#1 is for RSA alone)
 */
function formatPkcs1(blob) {
    const { type, key } = decodePublicKey(blob);
    if (type !== 'ssh-rsa') {
        throw new TrustError('key-type-unsupported', `PKCS#1 holds RSA keys only, not ${type}.`, {
            hint: 'Use SPKI (BEGIN PUBLIC KEY) for it.',
        });
    }
    return key.export({ format: 'pem', type: 'pkcs1' }).toString();
}

;// CONCATENATED MODULE: ./src/trust/key-matches.ts
/** Which lines of authorized_keys are meant: by key, fingerprint or comment. */





/** All keys of a text: lines as in authorized_keys, or one key in another public format. */
function matchesOfKeys(text) {
    const lines = (0,authorized_keys/* parseAuthorizedKeys */.Tj)(Buffer.from(text));
    const blobs = lines.length > 0 ? lines.map(({ blob }) => blob) : [parsePublicKeyText(text).blob];
    return blobs.map((blob) => ({ kind: 'key', blob }));
}
/** @throws TrustError `hosts-pin-invalid`, `hosts-pin-md5` */
function matchOfFingerprint(text) {
    const pin = (0,ssh_pin/* parsePin */.N3)(text);
    if (pin.kind === 'fingerprint')
        return { kind: 'fingerprint', fingerprint: pin.fingerprint };
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is no fingerprint.`, {
        hint: 'ssh-keygen -lf prints it: SHA256:….',
    });
}
/**
 * @param pattern for the whole comment, with `*` and `?`
 * @throws TrustError `input-invalid` for a pattern that any comment would match
 */
function matchOfComment(pattern) {
    if (/[^*?\s]/.test(pattern))
        return { kind: 'comment', pattern };
    const message = `The pattern ${JSON.stringify(pattern)} is for no comment in particular: every key would go.`;
    throw new src_errors/* TrustError */.Ru('input-invalid', message, {
        hint: 'Is a variable in it empty? Write some letters of the comment besides * and ?.',
    });
}
/**
 * The input `revoke-keys`: on each line a key as in authorized_keys, `SHA256:…`, or `comment=PATTERN`.
 *
 * @throws TrustError
 */
function readRevokeKeys(text) {
    const lines = readLines(text).map((line) => line.trim());
    return lines
        .filter((line) => !line.startsWith('#'))
        .flatMap((line) => {
        if (line.startsWith('comment='))
            return [matchOfComment(line.slice('comment='.length))];
        return /^(SHA256|MD5):/i.test(line) ? [matchOfFingerprint(line)] : matchesOfKeys(line);
    });
}

;// CONCATENATED MODULE: ./src/trust/bootstrap-config.ts
/** The inputs that say how the job's key is to get into authorized_keys, and out again. */







const DEFAULT_LIFETIME = '6h';
/** @returns undefined where no host asks for it, or `attempt` has noted an error */
function readBootstrap(inputs, hosts, attempt) {
    const wanted = hosts.filter(({ bootstrap }) => bootstrap);
    const options = attempt('authorized-keys-options', () => (0,authorized_keys/* parseKeyOptions */.$C)(inputs.authorizedKeysOptions));
    const lifetime = attempt('trust-lifetime', () => readTrustLifetime(inputs.trustLifetime));
    const expiry = attempt('trust-expiry', () => readWord(inputs.trustExpiry, ['required', 'optional']));
    const onFailure = attempt('bootstrap-failure', () => readWord(inputs.bootstrapFailure, ['fail', 'continue']));
    const revoke = attempt('revoke', () => readWord(inputs.revoke, ['auto', 'always', 'never']));
    const revokeKeys = attempt('revoke-keys', () => {
        const matches = readRevokeKeys(inputs.revokeKeys);
        if (matches.length > 0 && wanted.length === 0)
            throw nowhereToRevoke();
        return matches;
    });
    const key = attempt('bootstrap-key', () => bootstrap_config_readKey(inputs));
    const credentials = new Map();
    for (const line of wanted) {
        const found = attempt(line.position, () => credentialsFor(line, inputs, key));
        if (found !== undefined)
            credentials.set(line, found);
    }
    if (wanted.length === 0 || credentials.size < wanted.length)
        return undefined;
    if (!options || !lifetime || !expiry || !onFailure || !revoke || !revokeKeys)
        return undefined;
    return {
        credentials,
        options,
        ...lifetime,
        expiryRequired: expiry === 'required',
        onFailure,
        revoke,
        revokeKeys,
    };
}
function nowhereToRevoke() {
    return new src_errors/* TrustError */.Ru('input-invalid', 'No host is named to revoke keys on.', {
        hint: 'Write bootstrap behind those hosts in hosts.',
    });
}
function readWord(text, words) {
    if (text === '')
        return words[0];
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined)
        return word;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is not known here.`, {
        hint: `Use one of: ${words.join(', ')}.`,
    });
}
/** `forever` has to be said in so many words. */
function readTrustLifetime(text) {
    if (text === 'forever')
        return {};
    return { lifetime: parseDuration(text === '' ? DEFAULT_LIFETIME : text) };
}
function bootstrap_config_readKey({ bootstrapKey, bootstrapPassphrase }) {
    if (bootstrapKey.trim() === '')
        return undefined;
    const { keys } = parsePrivateKeys(bootstrapKey, readLines(bootstrapPassphrase));
    const [key, ...others] = keys;
    if (key !== undefined && others.length === 0)
        return key;
    throw new src_errors/* TrustError */.Ru('key-unreadable', `There are ${keys.length} keys; one is wanted.`);
}
/** What a host's own line says goes first, then the key, then the password for all. */
function credentialsFor(line, { bootstrapPassword, secretOf }, key) {
    if (line.user === undefined) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `${(0,trust_hosts/* hostName */.Sm)(line)} has to say whose account it is.`, {
            hint: 'Write user@ before the host.',
        });
    }
    if (line.passwordEnv !== undefined) {
        const password = secretOf(line.passwordEnv) ?? '';
        if (password !== '')
            return [{ kind: 'password', password }];
        throw new src_errors/* TrustError */.Ru('input-invalid', `The variable ${line.passwordEnv} is not set.`, {
            hint: `Give the step env: ${line.passwordEnv}, from a secret.`,
        });
    }
    const credentials = [];
    if (key !== undefined)
        credentials.push({ kind: 'key', key });
    if (bootstrapPassword !== '')
        credentials.push({ kind: 'password', password: bootstrapPassword });
    if (credentials.length > 0)
        return credentials;
    throw new src_errors/* TrustError */.Ru('input-invalid', `There is nothing to log in to ${(0,trust_hosts/* hostName */.Sm)(line)} with.`, {
        hint: 'Set bootstrap-password or bootstrap-key, or password-env=NAME on its line.',
    });
}

// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __nccwpck_require__(7030);
// EXTERNAL MODULE: ./src/ssh/signature.ts
var ssh_signature = __nccwpck_require__(5636);
;// CONCATENATED MODULE: ./src/ssh/certificate-signing.ts
/**
 * Makes OpenSSH user certificates, version 01 (OpenSSH's PROTOCOL.certkeys), with the key of a
 * certificate authority. What sshd would refuse later, and tell the user nothing, is refused here.
 */







/** PROTOCOL.certkeys: SSH_CERT_TYPE_USER. */
const USER = 1;
/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256;
/** As long as what `parseCertificate` reads. */
const certificate_signing_MAX_TEXT = 4096;
/** As many random bytes as ssh-keygen takes; they keep the authority from signing what others chose. */
const NONCE_BYTES = 32;
/** PROTOCOL.certkeys, "Critical options", those with a value. */
const CRITICAL_OPTIONS = ['force-command', 'source-address'];
/** PROTOCOL.certkeys, "Extensions". */
const EXTENSIONS = [
    'no-touch-required',
    'permit-X11-forwarding',
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-pty',
    'permit-user-rc',
];
/**
 * A certificate in wire format; `formatPublicKey` makes the line of a `-cert.pub` file of it.
 *
 * @throws TrustError `input-invalid`, `key-type-unsupported`, `key-too-small`, `malformed`
 */
function signCertificate(options) {
    const { key, authority, keyId, principals, validAfter, validBefore } = options;
    const { serial = 0n, criticalOptions = {}, extensions = [] } = options;
    const { type } = (0,public_key/* decodePublicKey */.F2)(key);
    if (type === 'ssh-rsa')
        (0,public_key/* requireRsaSize */.Tm)(key);
    requireText('key id', keyId);
    if (principals.length === 0 || principals.length > MAX_PRINCIPALS) {
        throw invalid(`A certificate needs 1 to ${MAX_PRINCIPALS} principals.`, {
            hint: 'Name the accounts that it is for. One without principals would be good for every account, or for none, as the version of sshd has it.',
        });
    }
    for (const principal of principals) {
        requireText('principal', principal);
        // ssh-keygen parts names at commas, and so do sshd's lists of principals.
        if (principal.includes(',')) {
            throw invalid(`The principal ${JSON.stringify(principal)} has a comma in it.`);
        }
    }
    for (const number of [serial, validAfter, validBefore])
        requireUint64(number);
    if (validAfter >= validBefore) {
        throw invalid('The certificate would end before it begins.');
    }
    const reader = new ssh_wire/* Reader */.mP(key);
    reader.string(); // the type, which the certificate has with its suffix
    const signed = Buffer.concat([
        (0,ssh_wire/* string */.Yj)((0,ssh_certificate/* certificateType */.AD)(type)),
        (0,ssh_wire/* string */.Yj)((0,external_node_crypto_.randomBytes)(NONCE_BYTES)),
        reader.rest(),
        (0,ssh_wire/* uint64 */.VV)(serial),
        (0,ssh_wire/* uint32 */.S8)(USER),
        (0,ssh_wire/* string */.Yj)(keyId),
        (0,ssh_wire/* string */.Yj)(Buffer.concat(principals.map((principal) => (0,ssh_wire/* string */.Yj)(principal)))),
        (0,ssh_wire/* uint64 */.VV)(validAfter),
        (0,ssh_wire/* uint64 */.VV)(validBefore),
        (0,ssh_wire/* string */.Yj)(writeCritical(criticalOptions)),
        (0,ssh_wire/* string */.Yj)(writeExtensions(extensions)),
        (0,ssh_wire/* string */.Yj)(''), // reserved
        (0,ssh_wire/* string */.Yj)(authority.publicKey),
    ]);
    // RSA: rsa-sha2-512, as ssh-keygen; sshd's CASignatureAlgorithms has no SHA-1.
    const signature = (0,ssh_signature/* makeSignature */.Bn)(authority.type, authority.key, signed, 'sha512');
    return Buffer.concat([signed, (0,ssh_wire/* string */.Yj)(signature)]);
}
function invalid(message, details = {}) {
    return new src_errors/* TrustError */.Ru('input-invalid', message, details);
}
/** sshd reads texts up to a zero byte, and refuses a certificate with one inside. */
function requireText(what, text) {
    if (text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= certificate_signing_MAX_TEXT)
        return;
    throw invalid(`A ${what} of a certificate has 1 to ${certificate_signing_MAX_TEXT} bytes, and no zero byte.`);
}
function requireUint64(number) {
    if (number >= 0n && number < 1n << 64n)
        return;
    throw invalid(`${number.toString()} is no number that a certificate can hold.`);
}
/** Both lists are ordered by name, by its bytes, and have each name once (PROTOCOL.certkeys). */
function writeCritical(options) {
    const present = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
    return Buffer.concat(present.map(([name, value]) => {
        if (!CRITICAL_OPTIONS.includes(name)) {
            // sshd refuses a certificate with a critical option that it does not know.
            throw invalid(`${JSON.stringify(name)} is no critical option of a user certificate.`, {
                hint: `There are ${CRITICAL_OPTIONS.join(' and ')}.`,
            });
        }
        requireText(name, value);
        if (name === 'source-address')
            requireAddresses(value);
        return Buffer.concat([(0,ssh_wire/* string */.Yj)(name), (0,ssh_wire/* string */.Yj)((0,ssh_wire/* string */.Yj)(value))]);
    }));
}
function writeExtensions(extensions) {
    const known = EXTENSIONS;
    const present = [...new Set(extensions)].sort((a, b) => (a < b ? -1 : 1));
    return Buffer.concat(present.map((name) => {
        if (!known.includes(name)) {
            throw invalid(`${JSON.stringify(name)} is no extension of a certificate.`, {
                hint: `There are ${known.join(', ')}.`,
            });
        }
        return Buffer.concat([(0,ssh_wire/* string */.Yj)(name), (0,ssh_wire/* string */.Yj)('')]);
    }));
}
/** sshd refuses the whole certificate where one entry is no address or CIDR block without host bits. */
function requireAddresses(list) {
    for (const entry of list.split(',')) {
        const [address = '', length, ...more] = entry.split('/');
        const bits = (0,external_node_net_.isIP)(address) === 4 ? 32 : 128;
        const wrong = (0,external_node_net_.isIP)(address) === 0 || address.includes('%') || more.length > 0;
        if (wrong || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits))) {
            throw invalid(`source-address: ${JSON.stringify(entry)} is no address or CIDR block.`, {
                hint: 'Separate several with commas, without blanks: 192.0.2.0/24,2001:db8::/32.',
            });
        }
        const hostBits = BigInt(bits - Number(length ?? bits));
        if (addressNumber(address) % (1n << hostBits) !== 0n) {
            throw invalid(`source-address: ${entry} has bits set after its first ${length ?? ''}.`, {
                hint: 'sshd refuses that. Give the first address of the block: 10.0.0.0/8, not 10.1.2.3/8.',
            });
        }
    }
}
function addressNumber(address) {
    if ((0,external_node_net_.isIP)(address) === 4) {
        return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    }
    // URLs are written with the address in its canonical form: groups in hexadecimal, at most one "::".
    const [head = '', tail] = new URL(`ssh://[${address}]`).hostname.slice(1, -1).split('::');
    const groups = (text = '') => (text === '' ? [] : text.split(':'));
    const before = groups(head);
    const after = groups(tail);
    const zeros = new Array(8 - before.length - after.length).fill('0');
    return [...before, ...zeros, ...after].reduce((sum, part) => sum * 65536n + BigInt(`0x${part}`), 0n);
}

;// CONCATENATED MODULE: ./src/trust/certificates.ts







/** A certificate that ends sooner than this, in seconds, is warned of: many jobs run as long. */
const SOON = 3600;
/** Clocks differ; ssh-keygen begins a certificate's time as much earlier. In seconds. */
const CLOCK_SKEW = 60n;
const DEFAULT_VALIDITY = '1h';
/**
 * Puts certificates beside the keys that they are for.
 *
 * @param certificates in wire format
 * @param now seconds since 1970
 * @throws TrustError `certificate-invalid`, `malformed`
 */
function matchCertificates(keys, certificates, now) {
    const warnings = [];
    const byKey = new Map();
    for (const blob of certificates) {
        const certificate = (0,ssh_certificate/* parseCertificate */.hB)(blob);
        const key = keys.find(({ publicKey }) => publicKey.equals(certificate.key));
        if (key === undefined) {
            const subject = (0,public_key/* fingerprint */.Rj)(certificate.key);
            throw new src_errors/* TrustError */.Ru('certificate-invalid', `The certificate ${certificates_name(certificate)} is for the key ${subject}, which is none of those given.`, {
                hint: 'Give the private key that belongs to it.',
            });
        }
        requireUsable(certificate, now);
        warnings.push(...doubts(certificate, now));
        byKey.set(key, blob);
    }
    return {
        keys: keys.map((privateKey) => {
            const certificate = byKey.get(privateKey);
            return certificate === undefined ? { privateKey } : { privateKey, certificate };
        }),
        warnings,
    };
}
function certificates_name({ keyId, serial }) {
    return `${JSON.stringify(keyId)} (serial ${serial.toString()})`;
}
function requireUsable(certificate, now) {
    const { role, authority, signature, signed } = certificate;
    let defect;
    if (role !== 'user')
        defect = 'is a host certificate, not a user certificate';
    else if (!(0,ssh_signature/* verifySignature */.Od)(authority, signature, signed))
        defect = 'has a signature that is not valid';
    else
        defect = (0,ssh_certificate/* validityDefect */.sS)(certificate, now);
    if (defect === undefined)
        return;
    throw new src_errors/* TrustError */.Ru('certificate-invalid', `The certificate ${certificates_name(certificate)} ${defect}.`, {
        hint: 'ssh-keygen -L -f FILE shows what is in it.',
    });
}
function doubts(certificate, now) {
    const { validBefore, principals } = certificate;
    const left = validBefore - BigInt(Math.floor(now));
    return [
        ...(validBefore !== ssh_certificate/* FOREVER */.SY && left < BigInt(SOON)
            ? [
                `The certificate ${certificates_name(certificate)} ends in ${left / 60n} min, at ${(0,ssh_certificate/* isoTime */.Ly)(validBefore)}.`,
            ]
            : []),
        ...(principals.length === 0
            ? [
                `The certificate ${certificates_name(certificate)} names no principals; current sshd takes it for nobody.`,
            ]
            : []),
    ];
}
/**
 * @param inputs as the user gave them; undefined is returned where no authority's key is among them
 * @param defaultKeyId for `certificate-key-id` left out
 * @throws TrustError
 */
function readCertification(inputs, defaultKeyId) {
    const { certificateAuthorityKey, certificateAuthorityPassphrase, certificateValidity } = inputs;
    if (certificateAuthorityKey.trim() === '')
        return undefined;
    const passphrases = certificateAuthorityPassphrase === '' ? [] : [certificateAuthorityPassphrase];
    const [authority, ...more] = parsePrivateKeys(certificateAuthorityKey, passphrases).keys;
    if (authority === undefined || more.length > 0) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'One certificate authority key is wanted, not several.');
    }
    const principals = inputs.certificatePrincipals.split(/[\s,]+/).filter((text) => text !== '');
    if (principals.length === 0) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'certificate-principals is empty.', {
            hint: 'Name the accounts that the certificate is for, for example: deploy.',
        });
    }
    return {
        authority,
        principals,
        validity: parseDuration(certificateValidity === '' ? DEFAULT_VALIDITY : certificateValidity),
        keyId: inputs.certificateKeyId === '' ? defaultKeyId : inputs.certificateKeyId,
        ...readOptions(inputs.certificateOptions),
    };
}
/** One option a line: `source-address=…`, `force-command=…`, or the name of an extension. */
function readOptions(text) {
    const criticalOptions = {};
    const extensions = [];
    for (const line of text.split(/\r\n|\r|\n/).map((each) => each.trim())) {
        if (line === '' || line.startsWith('#'))
            continue;
        const [key = '', value] = line.split(/=(.*)/s);
        const critical = CRITICAL_OPTIONS.find((option) => option === key);
        const extension = EXTENSIONS.find((option) => option === key);
        if (critical !== undefined && value !== undefined)
            criticalOptions[critical] = value;
        else if (extension !== undefined && value === undefined)
            extensions.push(extension);
        else {
            throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(line)} is no option of a certificate.`, {
                hint: `Options are ${CRITICAL_OPTIONS.map((option) => `${option}=…`).join(', ')}, ${EXTENSIONS.join(', ')}.`,
            });
        }
    }
    return { criticalOptions, extensions };
}
/**
 * A certificate (wire format) for a key that was made for this job.
 *
 * @param now seconds since 1970
 * @throws TrustError `input-invalid`
 */
function certify(key, certification, now) {
    const { validity, ...rest } = certification;
    const time = BigInt(Math.floor(now));
    return signCertificate({
        ...rest,
        key,
        validAfter: time - CLOCK_SKEW,
        validBefore: time + BigInt(validity),
    });
}

;// CONCATENATED MODULE: ./src/trust/host-trust/queue.ts
/** Doing many things on hosts at a time, but not too many at one host. */

/** Things done at a time. */
const AT_ONCE = 16;
/** And of these with one host: sshd takes 10 sessions of a connection, and 10 logins that are not done yet. */
const AT_ONE = 4;
/** Failures after which nothing more is begun. */
const MAX_FAILURES = 10;
/** For logins, which take nothing away from one another: several failures are told together. */
const LOGINS = { atOne: AT_ONE, failures: MAX_FAILURES };
/**
 * Does `work` for each item, in their order as far as the limits let it. It returns when nothing is
 * under way any more, also where something failed: so all can be taken back then.
 *
 * @throws TrustError that tells of every failure
 */
async function forAll(items, work, { atOnce = AT_ONCE, with: hostsOf = () => [], atOne = 1, failures = 1 } = {}) {
    const waiting = [...items];
    const load = new Map();
    const errors = [];
    const loadOf = (host) => load.get(host) ?? 0;
    const isFree = (item) => hostsOf(item).every((host) => loadOf(host) < atOne);
    const count = (item, change) => {
        for (const host of hostsOf(item))
            load.set(host, loadOf(host) + change);
    };
    /** The first that may begin, or undefined. */
    const next = () => {
        if (errors.length >= failures)
            return undefined;
        const index = waiting.findIndex(isFree);
        return index < 0 ? undefined : waiting.splice(index, 1)[0];
    };
    const running = new Set();
    for (;;) {
        while (running.size < atOnce) {
            const item = next();
            if (item === undefined)
                break;
            count(item, 1);
            const one = work(item)
                .catch((error) => {
                errors.push(error);
            })
                .finally(() => {
                count(item, -1);
                running.delete(one);
            });
            running.add(one);
        }
        if (running.size === 0)
            break;
        await Promise.race(running);
    }
    const other = errors.find((error) => !(error instanceof src_errors/* TrustError */.Ru));
    if (other !== undefined)
        throw other;
    if (errors.length > 0)
        throw (0,src_errors/* combine */.kg)(errors);
}

// EXTERNAL MODULE: ./src/trust/job-login.ts
var job_login = __nccwpck_require__(761);
// EXTERNAL MODULE: ./src/ssh/pattern.ts
var ssh_pattern = __nccwpck_require__(2368);
;// CONCATENATED MODULE: ./src/trust/host-trust/from.ts
/** The patterns of from= (sshd(8), AUTHORIZED_KEYS FILE FORMAT): read, compared, and held against an address. */



/** Patterns of one from=, and characters of one. */
const MAX_FROM = 64;
const MAX_PATTERN = 253;
/**
 * The patterns of from=. They end in somebody's authorized_keys between quotes: nothing but what a
 * pattern is made of may pass.
 *
 * @throws TrustError `input-invalid`
 */
function readFrom(text) {
    const patterns = text.split(',');
    if (patterns.length > MAX_FROM) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `from= takes at most ${MAX_FROM} patterns.`);
    }
    for (const pattern of patterns) {
        const defect = patternDefect(pattern.replace(/^!/, ''));
        if (defect === undefined)
            continue;
        throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(pattern.slice(0, MAX_PATTERN))} can't be a pattern of from=: ${defect}.`, {
            hint: 'For example: from=192.0.2.7,10.0.0.0/8,*.example.com.',
        });
    }
    if (patterns.every((pattern) => pattern.startsWith('!'))) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'from= only excludes, so nobody could log in.', {
            hint: 'Add what it is excluded from: from=10.0.0.0/8,!10.0.0.1.',
        });
    }
    return [...new Set(patterns)];
}
function patternDefect(pattern) {
    if (pattern === '')
        return 'it is empty';
    if (pattern.length > MAX_PATTERN)
        return 'it is too long';
    const [, address, bits] = /^([^/]*)\/(.*)$/.exec(pattern) ?? [];
    if (address !== undefined && bits !== undefined)
        return networkDefect(address, bits);
    if (!/^[A-Za-z0-9._*?:-]+$/.test(pattern))
        return 'it has characters that none may have';
    if (/[*?]/.test(pattern))
        return undefined;
    const looksNumeric = /^[0-9.]+$/.test(pattern) || pattern.includes(':');
    if (looksNumeric && !(0,external_node_net_.isIPv4)(pattern) && !(0,external_node_net_.isIPv6)(pattern))
        return 'it is no address';
    return undefined;
}
/** sshd takes a whole list for wrong, and refuses everybody, where a network has bits beyond its mask. */
function networkDefect(address, bits) {
    const size = addressSize(address);
    if (size === undefined)
        return 'it is no network';
    if (!/^[0-9]{1,3}$/.test(bits) || Number(bits) > size) {
        return `a network of this kind has 0 to ${size} bits`;
    }
    const beyond = 1n << BigInt(size - Number(bits));
    return from_addressNumber(address) % beyond === 0n
        ? undefined
        : 'the address has bits set beyond the network';
}
function addressSize(address) {
    if ((0,external_node_net_.isIPv4)(address))
        return 32;
    return (0,external_node_net_.isIPv6)(address) && !address.includes('%') ? 128 : undefined;
}
function from_addressNumber(address) {
    return (0,external_node_net_.isIPv4)(address) ? ipv4Number(address) : ipv6Number(address);
}
function ipv4Number(address) {
    return address.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}
function ipv6Number(address) {
    // An IPv4 address at the end stands for the last two groups (RFC 4291 §2.2).
    const hex = address.replace(/[0-9]+(\.[0-9]+){3}$/, (ipv4) => {
        const value = ipv4Number(ipv4);
        return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
    });
    const [head = '', tail] = hex.split('::');
    const left = head.split(':').filter((group) => group !== '');
    const right = (tail ?? '').split(':').filter((group) => group !== '');
    const zeros = Array(8 - left.length - right.length).fill('0');
    const groups = [...left, ...zeros, ...right];
    return groups.reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n);
}
/** Whether two from= let in the same: their order means nothing. */
function sameFrom(a, b) {
    const text = (from) => JSON.stringify(Array.isArray(from) ? [...new Set(from)].sort() : from);
    return text(a) === text(b);
}
/**
 * Whether sshd lets a key with this from= in from an address; undefined where that depends on the
 * name that the address has, or on a pattern that is none of ours.
 */
function admits(patterns, address) {
    let admitted = false;
    for (const pattern of patterns) {
        const hit = isHit(pattern.replace(/^!/, ''), address);
        if (hit === true && pattern.startsWith('!'))
            return false;
        if (hit === true)
            admitted = true;
        else if (hit === undefined && admitted === false)
            admitted = undefined;
    }
    return admitted;
}
function isHit(pattern, address) {
    const [network = '', bits] = pattern.split('/', 2);
    if (bits !== undefined) {
        if (networkDefect(network, bits) !== undefined)
            return undefined;
        const size = addressSize(network);
        if (size === undefined || size !== addressSize(address))
            return false;
        const beyond = 1n << BigInt(size - Number(bits));
        return from_addressNumber(network) / beyond === from_addressNumber(address) / beyond;
    }
    if ((0,ssh_pattern/* matchPattern */.g)(address, pattern.toLowerCase()))
        return true;
    return (0,external_node_net_.isIP)(pattern) !== 0 || /^[0-9.*?]+$/.test(pattern) ? false : undefined;
}

;// CONCATENATED MODULE: ./src/trust/host-trust/relations.ts
/**
 * The `trust` input: which host may log in to which, one relation a line, with `#` comments,
 *
 *     [-] [USER@]SOURCE ->  [USER@]TARGET          [OPTIONS]    one way
 *     [-] [USER@]HOST   <-> [USER@]HOST            [OPTIONS]    both ways
 *     [-] mesh([USER@]HOST, [USER@]HOST, …)        [OPTIONS]    each to each other
 *
 * where a minus takes the trust away, and OPTIONS are `key=ed25519|ecdsa-256|rsa-3072|…` (the type of
 * the source's key), `from` or `from=PATTERN,…` (from= of authorized_keys), and `replace-stale`.
 * Hosts, their ports and their users are those of the `hosts` input.
 */





const FORMS = 'web1 -> db1, web1 <-> web2, mesh(a, b, c); a minus in front takes trust away';
const OPTIONS = 'key=ed25519|ecdsa-256|rsa-3072|…, from, from=PATTERN,…, replace-stale';
/** Longest `trust` text: room for MAX_RELATIONS lines of ordinary length. */
const relations_MAX_TEXT = 4 * 1024 * 1024;
/** Most relations: a mesh of some three hundred hosts. */
const MAX_RELATIONS = 100_000;
/** Wrong lines after which the rest is not read. */
const MAX_WRONG_LINES = 100;
/** Hosts that an error lists, and characters that one repeats. */
const MAX_LISTED = 50;
const MAX_QUOTED = 80;
/** Words behind a relation. */
const MAX_OPTIONS = 8;
/** `user@name`, or the name alone where no user is said. */
function formatAccount({ name, user }) {
    return user === undefined ? name : `${user}@${name}`;
}
/** `web1 -> db1`, whether it is added or taken away. */
function formatRelation({ source, target }) {
    return `${formatAccount(source)} -> ${formatAccount(target)}`;
}
/**
 * @param hosts what the lines of the `hosts` input call their hosts, and their users
 * @returns the relations in the order written, every pair once, and what is wrong
 */
function parseRelations(text, hosts) {
    if (text.length > relations_MAX_TEXT) {
        const error = new src_errors/* TrustError */.Ru('input-invalid', 'The input is too long.', { input: 'trust' });
        return { relations: [], errors: [error] };
    }
    const { errors, attempt } = input_values_collectErrors();
    const list = relationList();
    const find = hostFinder(hosts);
    let wrongLines = 0;
    for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
        const code = line.replace(/^\uFEFF/, '').replace(/(^|\s)#.*$/s, '$1');
        if (code.trim() === '')
            continue;
        const position = `trust:${index + 1}`;
        const before = errors.length;
        attempt(position, () => {
            const { meant, wrong } = readLine(code, position, find);
            errors.push(...wrong);
            if (wrong.length === 0)
                list.add(meant, position);
        });
        if (errors.length > before)
            wrongLines += 1;
        if (wrongLines === MAX_WRONG_LINES) {
            const message = `${MAX_WRONG_LINES} lines are wrong; the rest is not read.`;
            errors.push(new src_errors/* TrustError */.Ru('input-invalid', message, { input: position }));
            break;
        }
    }
    return { relations: list.relations, errors };
}
function readLine(code, position, find) {
    const line = splitLine(code, position);
    if (line.options.length > MAX_OPTIONS) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'There are too many options.', {
            hint: `Options are: ${OPTIONS}.`,
        });
    }
    const { errors: wrong, attempt } = input_values_collectErrors();
    const accounts = line.accounts.map((word) => ({
        at: `${position}:${word.column}`,
        account: attempt(`${position}:${word.column}`, () => find(word.text)),
    }));
    const seen = new Set();
    for (const { at, account } of accounts) {
        if (account === undefined)
            continue;
        if (seen.has(account.name)) {
            const message = `${account.name} stands there twice: a host is not trusted with itself.`;
            wrong.push(new src_errors/* TrustError */.Ru('input-invalid', message, { input: at }));
        }
        seen.add(account.name);
    }
    const options = relations_readOptions(line, position, attempt);
    const found = accounts.flatMap(({ account }) => (account === undefined ? [] : [account]));
    const pairs = wrong.length > 0 ? [] : pairsOf(line.form, found);
    return { meant: { ...options, remove: line.remove, pairs }, wrong };
}
function pairsOf(form, accounts) {
    const pairs = accounts.flatMap((source) => accounts
        .filter((target) => target !== source)
        .map((target) => [source, target]));
    return form === 'one way' ? pairs.slice(0, 1) : pairs;
}
function tooMany() {
    return new src_errors/* TrustError */.Ru('input-invalid', `More than ${MAX_RELATIONS} relations are too many.`);
}
/** The words of a line, by its form. */
function splitLine(code, position) {
    const minus = /^\s*(?:-(?!>)\s*)?/.exec(code)?.[0] ?? '';
    const start = minus.length;
    try {
        const isMesh = /^mesh\s*\(/.test(code.slice(start));
        const split = isMesh ? splitMesh(code, start) : splitArrow(code, start);
        return { ...split, remove: minus.includes('-') };
    }
    catch (error) {
        throw error instanceof src_errors/* TrustError */.Ru ? error.about(`${position}:${start + 1}`) : error;
    }
}
function splitMesh(code, start) {
    const open = code.indexOf('(', start);
    const close = code.indexOf(')', start);
    if (close < 0) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'mesh( has no closing parenthesis on its line.');
    }
    if (/^\S/.test(code.slice(close + 1))) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'Behind mesh(…) there must be a blank.');
    }
    if (/[<>]/.test(code.slice(start)))
        throw noRelation(code.slice(start));
    const names = code.slice(open + 1, close).split(',');
    if (names.length * (names.length - 1) > MAX_RELATIONS)
        throw tooMany();
    if (names.length < 2 || names.some((name) => !/^\S+$/.test(name.trim()))) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'mesh takes two hosts or more, with commas in between.', {
            hint: 'For example: mesh(web1, web2, db1).',
        });
    }
    const accounts = [...code.slice(open + 1, close).matchAll(/[^\s,]+/g)].map((match) => ({
        text: match[0],
        column: open + match.index + 2,
    }));
    return { form: 'mesh', accounts, options: optionWords(code, close + 1) };
}
function splitArrow(code, start) {
    const body = code.slice(start);
    const [all = '', beforeTarget = '', source = '', sign = '', target = ''] = /^((\S*?)\s*(<->|->)\s*)(\S*)/.exec(body) ?? [];
    const isOne = source !== '' && target !== '' && !/[<>]/.test(source + body.slice(beforeTarget.length));
    if (!isOne)
        throw noRelation(body);
    return {
        form: sign === '->' ? 'one way' : 'both ways',
        accounts: [
            { text: source, column: start + 1 },
            { text: target, column: start + beforeTarget.length + 1 },
        ],
        options: optionWords(code, start + all.length),
    };
}
/** The words behind a relation; no more of them than show that there are too many. */
function optionWords(code, start) {
    const found = [];
    for (const match of code.slice(start).matchAll(/\S+/g)) {
        found.push({ text: match[0], column: start + match.index + 1 });
        if (found.length > MAX_OPTIONS)
            break;
    }
    return found;
}
function noRelation(body) {
    const hint = body.includes('<-')
        ? 'The arrow goes from the host that logs in: write db1 -> web1, or <-> for both ways.'
        : `A line has one relation: ${FORMS}.`;
    const message = `${quote(body.trim())} is no relation.`;
    return new src_errors/* TrustError */.Ru('input-invalid', message, { hint });
}
/** What was written, for a message: on one line, and not endless. */
function quote(text) {
    return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
/** Looks up `[user@]name`. Names are compared as DNS does; the result has them as `hosts` does. */
function hostFinder(hosts) {
    const byName = new Map();
    for (const host of hosts) {
        const same = byName.get(host.name.toLowerCase());
        if (same === undefined)
            byName.set(host.name.toLowerCase(), [host]);
        else
            same.push(host);
    }
    const known = listHosts(hosts);
    const lookUp = (name) => byName.get(name.toLowerCase().replace(/^\[(.*)\]$/, '$1'));
    return (word) => {
        const at = word.lastIndexOf('@');
        const user = at < 0 ? undefined : word.slice(0, at);
        const name = word.slice(at + 1);
        const lines = lookUp(name);
        if (lines === undefined)
            throw unknownHost(name, known, lookUp);
        if (user !== undefined)
            requireUserName(user);
        // One host may have several lines, for its users: then the user says which is meant.
        const [line, ...more] = lines.length === 1 || user === undefined
            ? lines
            : lines.filter((candidate) => candidate.user === user);
        if (line === undefined || more.length > 0)
            throw ambiguousHost(lines);
        const login = user ?? line.user;
        return { name: line.name, ...(login === undefined ? {} : { user: login }) };
    };
}
function unknownHost(name, known, lookUp) {
    const beforePort = /^(.*):[^:]*$/.exec(name)?.[1];
    const host = beforePort === undefined ? undefined : lookUp(beforePort)?.[0];
    if (host !== undefined) {
        return new src_errors/* TrustError */.Ru('input-invalid', `${quote(name)} has a port.`, {
            hint: `Ports are said in hosts alone: write ${host.name} here.`,
        });
    }
    const several = name.includes(',') ? ' For several hosts write a line for each, or mesh(…).' : '';
    return new src_errors/* TrustError */.Ru('input-invalid', `${quote(name)} is none of the hosts.`, {
        hint: `${known}${several}`,
    });
}
/** The hosts that there are, for a message. */
function listHosts(hosts) {
    const names = [...new Set(hosts.map(({ name }) => name))];
    if (names.length === 0)
        return 'The input hosts is empty.';
    const rest = names.length > MAX_LISTED ? `, and ${names.length - MAX_LISTED} more` : '';
    return `They are: ${names.slice(0, MAX_LISTED).join(', ')}${rest}.`;
}
function ambiguousHost(lines) {
    const message = `${lines[0]?.name ?? ''} stands on ${lines.length} lines of hosts.`;
    return new src_errors/* TrustError */.Ru('input-invalid', message, {
        hint: 'Write the user of one of them before it (user@host), or give the lines aliases.',
    });
}
/** The same user names as `hosts` takes. */
function requireUserName(user) {
    if (/^[A-Za-z0-9_.][A-Za-z0-9_.+@\\-]{0,254}\$?$/.test(user))
        return;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${quote(user)} can't be a user name.`);
}
function relations_readOptions({ options, remove }, position, attempt) {
    const read = { keyType: { type: 'ssh-ed25519' }, replaceStale: false };
    const seen = new Set();
    for (const { text, column } of options) {
        attempt(`${position}:${column}`, () => {
            const name = text.replace(/=.*$/, '');
            if (text.startsWith('key='))
                read.keyType = parseKeySpec(text.slice('key='.length));
            else if (text === 'from')
                read.from = 'source';
            else if (text.startsWith('from='))
                read.from = readFrom(text.slice('from='.length));
            else if (text === 'replace-stale')
                read.replaceStale = true;
            else
                throw unknownOption(text);
            if (seen.has(name))
                throw new src_errors/* TrustError */.Ru('input-invalid', `${name} stands there twice.`);
            seen.add(name);
            if (remove && name !== 'key') {
                throw new src_errors/* TrustError */.Ru('input-invalid', `${name} is of no use where trust is taken away.`);
            }
        });
    }
    return read;
}
function unknownOption(text) {
    const hint = `Options are: ${OPTIONS}.`;
    return new src_errors/* TrustError */.Ru('input-invalid', `${quote(text)} is no option.`, { hint });
}
/** The relations of all lines, each pair once. */
function relationList() {
    const relations = [];
    const byPair = new Map();
    const byKeyFile = new Map();
    const add = ({ pairs, ...rest }, position) => {
        const contradictions = [];
        const fresh = [];
        for (const [source, target] of pairs) {
            const relation = { source, target, ...rest, position };
            const earlier = byPair.get(formatRelation(relation));
            if (earlier !== undefined) {
                if (!sameMeaning(earlier, relation))
                    contradictions.push(contradiction(relation, earlier));
                continue;
            }
            const file = `${formatAccount(source)} ${(0,public_key/* displayType */.x)(rest.keyType.type)}`;
            const owner = rest.remove ? undefined : byKeyFile.get(file);
            if (owner !== undefined && !sameKind(owner.keyType, rest.keyType)) {
                contradictions.push(twoKeys(relation, owner));
                continue;
            }
            if (!rest.remove)
                byKeyFile.set(file, owner ?? relation);
            byPair.set(formatRelation(relation), relation);
            fresh.push(relation);
        }
        // A mesh can contradict in thousands of pairs, of which one says it all.
        const [first, ...more] = contradictions;
        if (first !== undefined) {
            const others = more.length === 0 ? '' : ` The same goes for ${more.length} more of its pairs.`;
            throw new src_errors/* TrustError */.Ru(first.code, `${first.message}${others}`, {
                ...(first.hint === undefined ? {} : { hint: first.hint }),
            });
        }
        if (relations.length + fresh.length > MAX_RELATIONS)
            throw tooMany();
        for (const relation of fresh)
            relations.push(relation);
    };
    return { relations, add };
}
function contradiction(relation, earlier) {
    const pair = formatRelation(relation);
    const message = earlier.remove === relation.remove
        ? `${pair} has other options in ${earlier.position}.`
        : `${pair} is ${earlier.remove ? 'taken away' : 'added'} in ${earlier.position}, and ${relation.remove ? 'taken away' : 'added'} here.`;
    return new src_errors/* TrustError */.Ru('input-invalid', message, { hint: 'Write every pair once.' });
}
function twoKeys({ source, keyType }, earlier) {
    const wanted = `${formatKeySpec(earlier.keyType)} in ${earlier.position}, ${formatKeySpec(keyType)} here`;
    const message = `${formatAccount(source)} would need two ${(0,public_key/* displayType */.x)(keyType.type)} keys: ${wanted}.`;
    return new src_errors/* TrustError */.Ru('input-invalid', message, {
        hint: 'ssh looks for one key of each kind: use one size for all relations of the host.',
    });
}
/** The option's value again: `ed25519`, `ecdsa-256`, `rsa-3072`. */
function formatKeySpec({ type, bits }) {
    if (type === 'ssh-ed25519')
        return 'ed25519';
    if (type === 'ssh-rsa')
        return `rsa-${bits ?? 3072}`;
    return type.replace('sha2-nistp', '');
}
function sameKind(a, b) {
    return formatKeySpec(a) === formatKeySpec(b);
}
function sameMeaning(a, b) {
    return (a.remove === b.remove &&
        sameKind(a.keyType, b.keyType) &&
        sameFrom(a.from, b.from) &&
        a.replaceStale === b.replaceStale);
}

;// CONCATENATED MODULE: ./src/trust/host-trust/accounts.ts






function opened(accounts, account) {
    const found = accounts.get(formatAccount(account));
    if (found === undefined)
        throw new Error(`${formatAccount(account)} was not opened`);
    return found;
}
/**
 * Logs in to every source and target, some at a time. The caller ends the connections.
 *
 * @throws TrustError that tells of every account that can't be logged in to
 */
async function openAccounts(relations, proven, job) {
    const wanted = new Map();
    for (const { source, target, position } of relations) {
        for (const account of [source, target]) {
            const label = formatAccount(account);
            if (!wanted.has(label))
                wanted.set(label, { account, position });
        }
    }
    const accounts = new Map();
    try {
        await forAll([...wanted.values()], async ({ account, position }) => {
            try {
                accounts.set(formatAccount(account), await accounts_open(account, proven, job));
            }
            catch (error) {
                throw error instanceof src_errors/* TrustError */.Ru ? aboutAccount(account, position, error) : error;
            }
        }, { atOnce: AT_ONCE, failures: wanted.size });
        return accounts;
    }
    catch (error) {
        endAll(accounts);
        throw error;
    }
}
function endAll(accounts) {
    for (const { client } of accounts.values())
        client.end();
}
/** `error`, said of an account, and of where it stands. */
function aboutAccount(account, position, error) {
    const { code, message, hint = '' } = error;
    const told = `${formatAccount(account)}: ${message}`;
    const more = code === 'login-refused'
        ? 'The job looks at the hosts of trust with its own key: it has to be in authorized_keys there, or bootstrap has to be on the line in hosts.'
        : '';
    const hints = `${hint} ${more}`.trim();
    return new src_errors/* TrustError */.Ru(code, told, {
        input: position,
        cause: error,
        ...(hints === '' ? {} : { hint: hints }),
    });
}
async function accounts_open(account, proven, job) {
    const { user } = account;
    const { line, result } = provenLine(account, proven);
    if (user === undefined) {
        throw new src_errors/* TrustError */.Ru('input-invalid', 'Whose account it is has to be said.', {
            hint: `Write user@ before ${account.name}, here or in hosts.`,
        });
    }
    const { host, port } = line;
    const destination = { host, port, user, hostKey: result.hostKey, timeout: job.timeout };
    const base = { account, label: formatAccount(account), line, destination };
    const errors = [];
    for (const { blob } of job.keys.filter((key) => mayBeUsed(line, key))) {
        try {
            return { ...base, client: await (0,job_login/* logInWithJobKey */.Y)(destination, blob, job.agent), key: blob };
        }
        catch (error) {
            if (!(error instanceof src_errors/* TrustError */.Ru))
                throw error;
            errors.push(error);
            if (error.code !== 'login-refused')
                throw error;
        }
    }
    const others = job.dryRun && line.user === user ? (job.credentials?.get(line) ?? []) : [];
    for (const credentials of others) {
        const { connectTo } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
        try {
            return { ...base, client: await connectTo({ ...destination, credentials }), key: undefined };
        }
        catch (error) {
            if (!(error instanceof src_errors/* TrustError */.Ru))
                throw error;
            errors.push(error);
        }
    }
    if (errors.length > 0)
        throw (0,src_errors/* combine */.kg)(errors);
    throw new src_errors/* TrustError */.Ru('login-refused', 'The job has no key for it.');
}
function mayBeUsed({ keys }, { blob, comment }) {
    return keys === undefined || keys.includes(comment) || keys.includes((0,public_key/* fingerprint */.Rj)(blob));
}
/** The line of `hosts` for an account: that of its user, or else any of the host's. */
function provenLine({ name, user }, proven) {
    const lines = proven.filter(({ line }) => (0,trust_hosts/* hostName */.Sm)(line) === name);
    const found = lines.find(({ line }) => line.user === user) ?? lines[0];
    if (found === undefined)
        throw new Error(`${name} is none of the proven hosts`);
    return found;
}
/** AuthorizedKeysFile of the account, where its line says so. */
function pathOf({ line, account }) {
    return line.user === account.user ? line.path : undefined;
}

// EXTERNAL MODULE: ./src/ssh/known-hosts.ts
var known_hosts = __nccwpck_require__(2979);
;// CONCATENATED MODULE: ./src/trust/host-trust/facts.ts
/** What is observed on the hosts before trust between them is planned. Only looks. */







/** @throws TrustError about the account that can't be looked at */
async function observe(relations, accounts, proven) {
    const hostKeys = new Map(relations.map(({ target }) => [target.name, hostKeyOf(provenLine(target, proven))]));
    const observed = new Map();
    await forAll([...accounts.values()], async (one) => {
        try {
            observed.set(one.label, await observeAccount(one, relations, hostKeys, accounts));
        }
        catch (error) {
            throw error instanceof src_errors/* TrustError */.Ru ? aboutAccount(one.account, 'trust', error) : error;
        }
    }, { failures: accounts.size });
    return { accounts: observed, hostKeys };
}
function hostKeyOf({ result: { pin, hostKey } }) {
    return pin.kind === 'cert-authority'
        ? { key: pin.key.blob, marker: '@cert-authority' }
        : { key: (0,ssh_certificate/* plainKey */.y7)(hostKey) };
}
/** A source is asked for its keys and known_hosts, a target for its authorized_keys. */
async function observeAccount(one, relations, hostKeys, accounts) {
    const { serverSoftware } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    const isTarget = relations.some(({ target }) => formatAccount(target) === one.label);
    const targets = relations.filter(({ source }) => formatAccount(source) === one.label);
    return {
        keys: [],
        knownHosts: new Map(),
        software: serverSoftware(one.client),
        authorized: isTarget ? await authorizedLines(one) : [],
        ...(targets.length === 0 ? {} : await observeSource(one, targets, hostKeys, accounts)),
    };
}
async function observeSource({ client, destination: { user } }, relations, hostKeys, accounts) {
    const { KNOWN_HOSTS, readAccountFile } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
    const { knownHostState, parseKnownHosts } = await __nccwpck_require__.e(/* import() */ 165).then(__nccwpck_require__.bind(__nccwpck_require__, 2165));
    const { keys, address, lacks } = await askForKeys(client);
    const lines = parseKnownHosts(await readAccountFile(client, user, KNOWN_HOSTS));
    const knownHosts = new Map();
    // What is taken away needs no known_hosts: it is proven by a line of its own.
    for (const { target } of relations.filter(({ remove }) => !remove)) {
        const hostKey = hostKeys.get(target.name);
        const { host, port } = opened(accounts, target).line;
        const state = hostKey === undefined || knownHosts.has(target.name)
            ? undefined
            : knownHostState(lines, (0,known_hosts/* knownHostsName */.on)(host, port), hostKey);
        if (state !== undefined)
            knownHosts.set(target.name, state);
    }
    return {
        keys,
        knownHosts,
        ...(address === undefined || address === '' ? {} : { addresses: [address] }),
        ...(lacks === undefined ? {} : { lacks }),
    };
}
/** @throws TrustError `remote-shell` for an account that can be a target only */
async function askForKeys(client) {
    const { listKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(322)]).then(__nccwpck_require__.bind(__nccwpck_require__, 322));
    try {
        return await listKeys(client);
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru) || error.code !== 'remote-shell')
            throw error;
        throw new src_errors/* TrustError */.Ru('remote-shell', `It can't log in to other hosts: ${error.message}`, {
            hint: 'An account without a shell (SFTP only) can be a target of trust, and no source.',
            cause: error,
        });
    }
}
async function authorizedLines(one) {
    const { readAccountFile } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
    const content = await readAccountFile(one.client, one.destination.user, pathOf(one));
    const keys = (0,authorized_keys/* parseAuthorizedKeys */.Tj)(content);
    const isLocal = keys.some(({ options }) => options.some((option) => /^expiry-time="?\d+"?$/i.test(option)));
    const zone = isLocal ? await zoneOf(one.client) : undefined;
    return keys.map((key) => authorizedLine(key, new Date(), zone));
}
/** The host's time zone, in minutes east of UTC; undefined where it does not say. */
async function zoneOf(client) {
    const { runScript } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(272)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    try {
        const { stdout } = await runScript(client, 'date +%z', Buffer.alloc(0));
        const [, sign, hours, minutes] = /([+-])(\d\d)(\d\d)\s*$/.exec(stdout.toString('latin1')) ?? [];
        if (sign === undefined)
            return undefined;
        return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    }
    catch (error) {
        if (error instanceof src_errors/* TrustError */.Ru && error.code === 'remote-shell')
            return undefined;
        throw error;
    }
}
/**
 * What a line of authorized_keys does for a login with its key, as sshd sees it.
 *
 * @param zone of the host, in minutes east of UTC, for an expiry-time that names none; where it is not
 *   known, such a line counts as good
 */
function authorizedLine({ blob, options: texts }, now, zone) {
    const line = { publicKey: blob };
    const options = optionsOf(texts);
    if (options === undefined)
        return { ...line, dead: 'has options that sshd refuses' };
    const valuesOf = (wanted) => options.flatMap(({ name, value }) => name.toLowerCase() === wanted && value !== undefined ? [value] : []);
    if (options.some(({ name }) => name.toLowerCase() === 'cert-authority')) {
        return { ...line, dead: 'is for certificates that the key has signed' };
    }
    // Of several the earliest counts: sshauthopt_parse in OpenSSH's auth-options.c.
    const ends = valuesOf('expiry-time')
        .flatMap((value) => timeOf(value, zone) ?? [])
        .sort((a, b) => a.getTime() - b.getTime())[0];
    if (ends !== undefined && ends.getTime() + 999 < now.getTime()) {
        return { ...line, dead: `expired at ${ends.toISOString()}` };
    }
    const [from] = valuesOf('from');
    return {
        ...line,
        ...(from === undefined ? {} : { from: from.split(',') }),
        ...(valuesOf('command').length === 0 ? {} : { command: true }),
        ...(ends === undefined ? {} : { ends }),
    };
}
function optionsOf(texts) {
    try {
        return (0,authorized_keys/* parseKeyOptions */.$C)(texts.join(','));
    }
    catch (error) {
        if (error instanceof src_errors/* TrustError */.Ru)
            return undefined;
        throw error;
    }
}
/** A time as expiry-time has it: `YYYYMMDD[HHMM[SS]]`, with `Z` or `UTC` behind it or in the host's zone. */
function timeOf(text, zone) {
    const [, date = '', time = '', utc] = /^(\d{8})(\d{4}(?:\d{2})?)?(Z|UTC)?$/i.exec(text) ?? [];
    if (date === '' || (utc === undefined && zone === undefined))
        return undefined;
    const at = (digits, start, length = 2) => Number(digits.slice(start, start + length));
    const day = Date.UTC(at(date, 0, 4), at(date, 4) - 1, at(date, 6));
    const seconds = at(time, 0) * 3600 + at(time, 2) * 60 + at(time, 4);
    return new Date(day + seconds * 1000 - (utc === undefined ? (zone ?? 0) * 60_000 : 0));
}

// EXTERNAL MODULE: ./src/trust/expiry.ts
var trust_expiry = __nccwpck_require__(415);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __nccwpck_require__(8500);
;// CONCATENATED MODULE: ./src/trust/host-trust/logins.ts
/** Logins from host to host, which prove that trust is there, or that it is gone. */




/** Milliseconds before a login that got no answer is tried again: a server that is busy drops some. */
const AGAIN = [300, 1500];
/** @throws TrustError `trust-unproven`; `host-key-changed` where known_hosts has another key */
async function prove(pair, path, work) {
    const { source, target } = pair;
    const { outcome, words } = await tryLogin(source, target, path, undefined, work);
    work.measured.push({ source, target, works: outcome === 'works' });
    if (outcome === 'works')
        return;
    const [from, to] = [formatAccount(source), formatAccount(target)];
    if (outcome === 'host-key') {
        const message = `On ${from} known_hosts keeps the login to ${to} from working: ${words}`;
        throw new src_errors/* TrustError */.Ru('host-key-changed', message, {
            hint: `The pinned key of ${target.name} is proven, so that line on ${from} is stale: take it out, or add replace-stale to the line of trust.`,
        });
    }
    throw new src_errors/* TrustError */.Ru('trust-unproven', `The login from ${from} to ${to} does not work: ${words}`, {
        hint: 'Can the source reach the target by that name and port? Does from= name the address that the target sees? Is the line in authorized_keys expired, or does sshd read another file? The log of sshd on the target says.',
    });
}
async function tryLogin(source, target, path, knownHost, { accounts, job }) {
    const { logInFrom } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(321)]).then(__nccwpck_require__.bind(__nccwpck_require__, 6321));
    const { host, port, user } = opened(accounts, target).destination;
    const { timeout } = job;
    const login = {
        path,
        host,
        port,
        user,
        timeout,
        ...(knownHost === undefined ? {} : { knownHost }),
    };
    for (let attempt = 0;; attempt += 1) {
        const result = await logInFrom(opened(accounts, source).client, login);
        const wait = AGAIN[attempt];
        const isDropped = result.outcome === 'failed' && /kex_exchange_identification|reset by peer/.test(result.words);
        if (!isDropped || wait === undefined)
            return result;
        await (0,promises_.setTimeout)(wait);
    }
}
/**
 * Nothing was to be done for it; that it works is measured all the same.
 *
 * @throws TrustError as `prove`
 */
async function measureTrusted(relation, facts, work) {
    const { source, target, keyType } = relation;
    const listed = facts.accounts.get(formatAccount(target))?.authorized ?? [];
    const usable = (facts.accounts.get(formatAccount(source))?.keys ?? []).filter(({ publicKey, encrypted }) => encrypted !== true && publicKey?.subarray(4).toString('latin1').startsWith(keyType.type));
    const key = usable.find(({ publicKey }) => listed.some((line) => line.dead === undefined && publicKey !== undefined && line.publicKey.equals(publicKey)));
    if (key === undefined)
        throw new Error('an account is trusted by a key that it has');
    await prove(relation, key.path, work);
}
/**
 * @param knownHost a line to know the target by
 * @throws TrustError `trust-unproven` where the login still works, or it can't be told
 */
async function proveRefused({ source, target, keys }, knownHost, work) {
    for (const { path } of keys) {
        const { outcome, words } = await tryLogin(source, target, path, knownHost, work);
        work.measured.push({ source, target, works: outcome === 'works' });
        if (outcome === 'refused')
            continue;
        const message = outcome === 'works'
            ? `The login from ${formatAccount(source)} to ${formatAccount(target)} still works, though the key was taken out.`
            : `That ${formatAccount(target)} refuses the key could not be proven: ${words}`;
        throw new src_errors/* TrustError */.Ru('trust-unproven', message, {
            hint: 'Does sshd read another file too (AuthorizedKeysFile, AuthorizedKeysCommand)?',
        });
    }
}

;// CONCATENATED MODULE: ./src/trust/host-trust/undo.ts
/**
 * Taking back what host-to-host trust has made in accounts besides lines of authorized_keys: key pairs
 * and lines of known_hosts. By a login with a key of the job, as in revocation.ts.
 */

/** @throws TrustError with what is left, where it can't be undone */
async function undoHostTrust(effect, logins) {
    if (!effect.revoke)
        return { outcome: 'nothing to undo', detail: 'it stays, as asked' };
    if (logins === undefined)
        throw notUndone(effect, 'The agent is gone.');
    try {
        return await logins.over(effect, async (client) => undoOver(client, effect));
    }
    catch (error) {
        throw notUndone(effect, (0,src_errors/* explain */.WE)(error), error);
    }
}
/** Undoes it over a connection that is there. */
async function undoOver(client, effect) {
    if (effect.kind === 'remote-file') {
        const { removeGeneratedKey } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(322)]).then(__nccwpck_require__.bind(__nccwpck_require__, 322));
        const { path, comment, madeDirectory } = effect;
        const result = await removeGeneratedKey(client, path, comment, madeDirectory);
        if (result === 'removed')
            return { outcome: 'undone' };
        const detail = result === 'gone' ? 'it was gone' : 'somebody has changed it; it stays';
        return { outcome: 'nothing to undo', detail };
    }
    const { KNOWN_HOSTS } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
    const { removeKnownHost } = await __nccwpck_require__.e(/* import() */ 165).then(__nccwpck_require__.bind(__nccwpck_require__, 2165));
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
    const { user, line, created } = effect;
    let found = 0;
    await editAuthorizedKeys(client, { user, path: KNOWN_HOSTS, mend: false, removeIfEmpty: created }, (content) => {
        const rest = removeKnownHost(content, line, effect);
        found = rest === undefined ? 0 : 1;
        return rest;
    });
    return found > 0
        ? { outcome: 'undone' }
        : { outcome: 'nothing to undo', detail: 'the line was gone' };
}
function notUndone(effect, why, cause) {
    const { user, host } = effect;
    const [what, hint] = effect.kind === 'remote-file'
        ? [`The key ${effect.path}`, `Remove ${effect.path} and ${effect.path}.pub there.`]
        : ['A line of known_hosts', `Remove this line there: ${effect.line}`];
    const message = `${what} is still with ${user} at ${host}. ${why}`;
    return new src_errors/* TrustError */.Ru('revocation-failed', message, { hint, cause });
}

// EXTERNAL MODULE: ./src/trust/revocation.ts
var revocation = __nccwpck_require__(6792);
;// CONCATENATED MODULE: ./src/trust/host-trust/work.ts
/** What a run has done so far on the hosts: recorded before it is done, taken back or settled at the end. */





function beginWork(accounts, job) {
    return { accounts, job, made: [], keys: new Map(), grants: [], measured: [] };
}
/** Until all is proven, all is to be undone, however long it may stay then. */
function inAccount({ label, destination, key, }) {
    if (key === undefined)
        throw new Error('only a dry run logs in without a key of the job');
    const { host, port, user, hostKey } = destination;
    return {
        target: label,
        host,
        port,
        user,
        hostKey: hostKey.toString('base64'),
        key: key.toString('base64'),
        revoke: true,
    };
}
/** The key that a source logs in with, in wire format: it may have been made in this run. */
function work_publicKeyOf({ path, publicKey }, source, work) {
    const key = publicKey ?? work.keys.get(`${formatAccount(source)} ${path}`);
    if (key === undefined)
        throw new Error(`the key ${path} was not made`);
    return key;
}
/** Undoes what this run did, over the connections that are there; what fails is left to teardown. */
async function takeBack({ made, accounts, job }) {
    await forAll([...accounts.values()], async ({ label, client }) => {
        for (const effect of made.filter(({ target }) => target === label).toReversed()) {
            try {
                if (effect.kind === 'authorized-key')
                    await (0,revocation/* removeGranted */.O)(client, effect);
                else
                    await undoOver(client, effect);
                job.journal.append({ ...effect, undone: true });
            }
            catch (error) {
                job.say(`could not take back ${effect.kind} ${effect.target} yet: ${(0,src_errors/* explain */.WE)(error)}`);
            }
        }
    });
}
/** All is proven: from now on what was made stays as long as it was asked for. */
function settle({ made, job: { config, journal } }) {
    const revoke = config.lifetime !== undefined && config.revoke !== 'never';
    for (const effect of made) {
        // The rows that gave way were stale: they come back only if the run fails.
        journal.append(effect.kind === 'known-host' ? { ...effect, revoke, replaced: [] } : { ...effect, revoke });
    }
}

;// CONCATENATED MODULE: ./src/trust/host-trust/steps.ts
/**
 * A plan carried out: keys are made, then all lines of each account are written in one edit, then what
 * was made is proven. What is taken away goes after that, since it does not come back.
 */











/** @throws TrustError that tells which relation failed; nothing is under way any more then */
async function carryOut(plan, facts, work) {
    const { accounts } = work;
    const stepsOf = (...kinds) => plan.steps.filter((step) => kinds.some((kind) => kind === step.kind));
    const sourceOf = ({ source }) => source;
    const targetOf = ({ target }) => target;
    const each = async (steps, accountOf, take) => {
        await forAll([...byAccount(steps, accountOf)], async ([account, its]) => {
            await take(its, opened(accounts, account), work);
        });
    };
    await each(stepsOf('generate-key'), sourceOf, makeKeys);
    await each(stepsOf('authorize'), targetOf, authorize);
    await each(stepsOf('add-known-host', 'replace-known-host'), sourceOf, knowHosts);
    const standing = plan.relations
        .filter(({ relation, steps }) => !relation.remove && steps.length === 0)
        .map(({ relation }) => relation);
    await forAll([...stepsOf('prove'), ...standing], async (one) => {
        await about(one, async () => 'kind' in one ? prove(one, one.key.path, work) : measureTrusted(one, facts, work));
    }, { ...LOGINS, with: accountsOf });
    await each(stepsOf('deauthorize'), targetOf, deauthorize);
    await forAll(stepsOf('prove-refused'), async (step) => {
        const { host, port } = opened(accounts, step.target).line;
        const line = knownHostLine(step.hostKey, (0,known_hosts/* knownHostsName */.on)(host, port));
        await about(step, async () => proveRefused(step, line, work));
    }, { ...LOGINS, with: accountsOf });
    // No line of known_hosts is removed without being asked for, which no input does.
    if (stepsOf('remove-known-host').length > 0)
        throw new Error('a step that was not asked for');
}
function accountsOf({ source, target }) {
    return [`from ${formatAccount(source)}`, `to ${target.name}`];
}
function byAccount(steps, accountOf) {
    const groups = new Map();
    for (const step of steps) {
        const account = accountOf(step);
        const group = groups.get(formatAccount(account)) ?? { account, steps: [] };
        groups.set(formatAccount(account), group);
        group.steps.push(step);
    }
    return new Map([...groups.values()].map((group) => [group.account, group.steps]));
}
/** What goes wrong is told of the relation, where it stands. */
async function about(one, work) {
    try {
        return await work();
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru))
            throw error;
        const { code, message, hint } = error;
        throw new src_errors/* TrustError */.Ru(code, `${formatRelation(one)}: ${message}`, {
            input: one.position,
            cause: error,
            ...(hint === undefined ? {} : { hint }),
        });
    }
}
/** The same for the steps of one account: it is told of the first. */
async function aboutFirst(steps, work) {
    const [first] = steps;
    if (first !== undefined)
        await about(first, work);
}
async function makeKeys(steps, source, work) {
    for (const step of steps)
        await about(step, async () => makeKey(step, source, work));
}
async function makeKey(step, source, work) {
    const { missingFiles } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
    const { generateKey } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(322)]).then(__nccwpck_require__.bind(__nccwpck_require__, 322));
    const missing = await missingFiles(source.client, 'known_hosts');
    const comment = `ssh-trust:${work.job.journal.id}:${source.label}`;
    const effect = {
        ...inAccount(source),
        kind: 'remote-file',
        path: step.path,
        comment,
        madeDirectory: missing.some((one) => one.endsWith('/.ssh')),
    };
    work.job.journal.append(effect);
    work.made.push(effect);
    const publicKey = await generateKey(source.client, step.path, step.keyType, comment);
    work.keys.set(`${source.label} ${step.path}`, publicKey);
}
function lineFor(step, { option }, work) {
    const blob = work_publicKeyOf(step.key, step.source, work);
    const from = step.from === undefined ? [] : [{ name: 'from', value: step.from.join(',') }];
    const options = [...from, ...(option === undefined ? [] : [option])];
    const text = (0,authorized_keys/* formatAuthorizedKey */.AY)({ options, blob, comment: formatAccount(step.source) });
    return { step, blob, text };
}
async function authorize(steps, target, work) {
    await aboutFirst(steps, async () => {
        const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
        const { missingFiles } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
        const { config, journal } = work.job;
        const expiry = await (0,trust_expiry/* expiryFor */.n)(target.client, target.account.name, config);
        const lines = steps.map((step) => lineFor(step, expiry, work));
        const path = pathOf(target);
        const place = { user: target.destination.user, ...(path === undefined ? {} : { path }) };
        const missing = path === undefined ? await missingFiles(target.client, 'authorized_keys') : [];
        let added = new Map();
        const edited = await editAuthorizedKeys(target.client, place, (found) => {
            added = new Map();
            let content = found;
            for (const line of lines) {
                const { step, text } = line;
                const addition = step.beside === undefined ? (0,authorized_keys/* addAuthorizedKey */.GW)(content, text) : appendLine(content, text);
                if (addition.status === 'present')
                    continue;
                content = addition.content;
                const { newlineMended } = addition;
                added.set(line, {
                    ...inAccount(target),
                    kind: 'authorized-key',
                    line: text,
                    generated: step.key.publicKey === undefined,
                    created: missing,
                    ...(path === undefined ? {} : { path }),
                    ...(newlineMended === undefined ? {} : { newlineMended }),
                    ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
                });
            }
            for (const effect of added.values())
                journal.append(effect);
            return added.size === 0 ? undefined : content;
        });
        recordCreated([...added.values()], missing, edited.created, work);
        const notes = [...edited.mends, ...edited.warnings, ...expiry.notes];
        for (const line of lines) {
            const effect = added.get(line);
            work.grants.push({
                host: target.account.name,
                user: target.destination.user,
                key: (0,public_key/* fingerprint */.Rj)(line.blob),
                status: effect === undefined ? 'present' : 'added',
                file: edited.path,
                ...(effect === undefined ? {} : { expires: effect.expires ?? 'never' }),
                notes,
            });
        }
    });
}
/**
 * As `addAuthorizedKey`, where the key is there already, in a line that does not let it in: sshd goes
 * on to the next line with the key then.
 */
function appendLine(content, line) {
    const end = content.lastIndexOf('\n');
    const newline = end > 0 && content[end - 1] === 0x0d ? '\r\n' : '\n';
    if (content.length === 0 || end === content.length - 1) {
        return { status: 'added', content: Buffer.concat([content, Buffer.from(line + newline)]) };
    }
    return {
        status: 'added',
        content: Buffer.concat([content, Buffer.from(newline + line + newline)]),
        newlineMended: (0,external_node_crypto_.createHash)('sha256').update(content).digest('hex'),
    };
}
/** What an edit has made is known for sure only after it: the line that goes last takes it away. */
function recordCreated(effects, expected, created, work) {
    const isAsExpected = created.join('\n') === expected.join('\n');
    for (const effect of effects) {
        work.made.push(effect);
        effect.created = created;
        if (!isAsExpected)
            work.job.journal.append(effect);
    }
}
async function knowHosts(steps, source, work) {
    await aboutFirst(steps, async () => {
        const { KNOWN_HOSTS, missingFiles } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(501)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
        const { addKnownHost, markOf } = await __nccwpck_require__.e(/* import() */ 165).then(__nccwpck_require__.bind(__nccwpck_require__, 2165));
        const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
        const { journal } = work.job;
        const missing = await missingFiles(source.client, 'known_hosts');
        let effects = [];
        const edited = await editAuthorizedKeys(source.client, { user: source.destination.user, path: KNOWN_HOSTS, mend: false }, (found) => {
            effects = [];
            let content = found;
            for (const step of steps) {
                const { host, port } = opened(work.accounts, step.target).line;
                const name = (0,known_hosts/* knownHostsName */.on)(host, port);
                const line = `${knownHostLine(step.hostKey, name)} ${markOf(journal.id)}`;
                const stale = step.kind === 'add-known-host' ? [] : step.stale.map((key) => key.fingerprint);
                const { content: next, ...change } = addKnownHost(content, name, line, stale);
                content = next;
                effects.push({
                    ...inAccount(source),
                    kind: 'known-host',
                    line,
                    created: missing,
                    ...change,
                });
            }
            for (const effect of effects)
                journal.append(effect);
            return content;
        });
        recordCreated(effects, missing, edited.created, work);
    });
}
function knownHostLine({ key, marker }, name) {
    return (0,known_hosts/* formatKnownHostsLine */.AA)([name], key, marker).trimEnd();
}
/** What is taken away stays away, also where a later step fails: no record is for putting it back. */
async function deauthorize(steps, target) {
    await aboutFirst(steps, async () => {
        const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
        const path = pathOf(target);
        const place = {
            user: target.destination.user,
            mend: false,
            ...(path === undefined ? {} : { path }),
        };
        const matches = steps.map(({ publicKey }) => ({ kind: 'key', blob: publicKey }));
        await editAuthorizedKeys(target.client, place, (content) => {
            const { content: rest, removed } = (0,authorized_keys/* removeKeys */.$3)(content, matches);
            return removed.length === 0 ? undefined : rest;
        });
    });
}

;// CONCATENATED MODULE: ./src/trust/host-trust/table.ts
/** The table of who can log in where, as measured. */

/**
 * Who can log in where: a heading row, then a row for each source, with a column for each target.
 * `✓` it worked, `✗` it did not, `–` it was not tried. Of several tries the last one counts.
 */
function trustRows(measured) {
    const targets = [...new Set(measured.map(({ target }) => formatAccount(target)))];
    const bySource = new Map();
    for (const { source, target, works } of measured) {
        const label = formatAccount(source);
        const row = bySource.get(label) ?? new Map();
        bySource.set(label, row.set(formatAccount(target), works));
    }
    const mark = (works) => works === undefined ? '–' : works ? '✓' : '✗';
    return [
        ['from \\ to', ...targets],
        ...[...bySource].map(([source, row]) => [source, ...targets.map((to) => mark(row.get(to)))]),
    ];
}
/** `trustRows` as lines of text with aligned columns. */
function renderTrustTable(measured) {
    const rows = trustRows(measured);
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    return rows.map((row) => row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd());
}

;// CONCATENATED MODULE: ./src/trust/host-trust/plan.ts
/**
 * From what the `trust` input asks for and what was observed on the hosts to the steps between the
 * two, in words before anything is done; and the table of who can log in where, as measured. Pure:
 * observing and doing are the caller's.
 */







/** Files that ssh tries by itself, and where new keys go: ssh(1), FILES. */
const KEY_FILES = {
    ED25519: '~/.ssh/id_ed25519',
    ECDSA: '~/.ssh/id_ecdsa',
    RSA: '~/.ssh/id_rsa',
};
/**
 * The steps from what was observed to what is asked for. For an added relation: `generate-key`,
 * `authorize`, `add-known-host` or `replace-known-host`, `prove`; for one that is taken away:
 * `deauthorize`, `prove-refused`, `remove-known-host` (last: without it the login would fail at the
 * host key, and prove nothing).
 *
 * @param relations as `parseRelations` gives them: each pair once
 */
function planRelations(relations, facts, { forgetHosts = false, permanent = false } = {}) {
    const added = relations.filter(({ remove }) => !remove);
    const progress = {
        facts,
        made: new Map(),
        knownHosts: new Set(),
        neededHosts: new Set(added.map(knownHostId)),
        lines: new Map(),
        authorized: new Map(),
        forgetHosts,
        permanent,
    };
    const { errors, attempt } = input_values_collectErrors();
    const plans = [];
    for (const relation of relations) {
        const plan = attempt(relation.position, () => relation.remove ? planRemoval(relation, progress) : planAddition(relation, progress));
        if (plan !== undefined)
            plans.push(plan);
    }
    // What is wrong with a source is wrong with each of its relations on the line, and told once.
    const told = [...new Map(errors.map((error) => [error.explain(), error])).values()];
    const steps = told.length > 0 ? [] : plans.flatMap((plan) => plan.steps);
    return { relations: plans, steps, errors: told };
}
function planAddition(relation, progress) {
    const hostKey = plan_hostKeyOf(relation, progress);
    requireClient(relation, progress);
    const from = wantedFrom(relation, progress);
    const { key, toMake } = keyToUse(relation, progress);
    const { lines, claimed } = linesFor(relation, key, progress);
    const good = lines.filter((line) => isGood(line, progress));
    const ours = `the key of ${formatAccount(relation.source)}`;
    if (from !== undefined && good.some((line) => !sameFrom(line.from, from))) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `${formatAccount(relation.target)} lists ${ours} (${shown(key)}) already, ${tellFrom(good)}; asked for is from=${from.join()}.`, { hint: 'Take that trust away first (the same line with a minus), or leave out from.' });
    }
    const changes = [];
    if (toMake) {
        changes.push({ kind: 'generate-key', keyType: relation.keyType, path: key.path });
    }
    if (good.length === 0 && !claimed) {
        changes.push({
            kind: 'authorize',
            key,
            ...(from === undefined ? {} : { from }),
            ...(lines.length === 0 ? {} : { beside: tellUseless(lines) }),
        });
    }
    changes.push(...knownHostSteps(relation, hostKey, progress));
    const limits = good.length === 0 ? '' : tellLimits(relation, good, progress);
    if (changes.length === 0 && good.length > 0 && !willKnowHost(relation, progress)) {
        return { relation, steps: [], note: `already trusted${limits}` };
    }
    changes.push({ kind: 'prove', key, hostKey });
    const steps = changes.map((step) => withWords(step, relation));
    return { relation, steps, ...(limits === '' ? {} : { note: `its key is listed${limits}` }) };
}
/** Nothing can be proven by a login from a host that has no ssh: that is known before anything is done. */
function requireClient({ source }, progress) {
    const { lacks } = factsOf(source, progress);
    if (lacks === undefined)
        return;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${formatAccount(source)} can't log in to any host: ${lacks}.`, {
        hint: "Install OpenSSH's client there (openssh-client), or let it be a target only.",
    });
}
/** Whether a line of authorized_keys does what is asked for. */
function isGood({ dead, ends }, { permanent }) {
    return dead === undefined && !(permanent && ends !== undefined);
}
/** Why lines with the key don't do. */
function tellUseless(lines) {
    const reasons = lines.map(({ dead, ends }) => dead ?? `expires at ${ends === undefined ? '?' : ends.toISOString()}`);
    return (0,trust_report/* oneLine */.T)([...new Set(reasons)].join(' and '));
}
/** What limits a login by lines that are there; empty where nothing does. */
function tellLimits(relation, lines, progress) {
    const limits = [];
    if (lines.every(({ from }) => from !== undefined)) {
        if (relation.from === undefined)
            limits.push(tellFrom(lines));
        const [address] = factsOf(relation.source, progress).addresses ?? [];
        const keepsOut = (line) => address !== undefined && admits(line.from ?? [], address) === false;
        if (lines.every(keepsOut)) {
            limits.push(`which keeps out ${(0,trust_report/* oneLine */.T)(address ?? '')}, the address of ${formatAccount(relation.source)}`);
        }
    }
    if (lines.every(({ command }) => command === true)) {
        limits.push('for the command= of its line alone');
    }
    const ends = lines.map((line) => line.ends?.getTime() ?? Infinity);
    const last = Math.max(...ends);
    if (last !== Infinity)
        limits.push(`until ${new Date(last).toISOString()}`);
    return limits.map((limit) => `, ${limit}`).join('');
}
function planRemoval(relation, progress) {
    const hostKey = plan_hostKeyOf(relation, progress);
    const keys = keysOfType(relation, progress);
    const listed = keys.flatMap((key) => {
        const { lines, claimed } = linesFor(relation, key, progress);
        return lines.length === 0 ? [] : [{ key, claimed }];
    });
    const changes = [];
    for (const { key, claimed } of listed) {
        if (!claimed)
            changes.push({ kind: 'deauthorize', publicKey: key.publicKey });
    }
    if (listed.length > 0) {
        changes.push({ kind: 'prove-refused', keys: listed.map(({ key }) => key), hostKey });
    }
    if (mayForget(relation, progress)) {
        progress.knownHosts.add(knownHostId(relation));
        changes.push({ kind: 'remove-known-host', hostKey });
    }
    const steps = changes.map((step) => withWords(step, relation));
    if (steps.length > 0)
        return { relation, steps };
    const why = keys.length === 0
        ? ` (${formatAccount(relation.source)} has no ${formatKeySpec(relation.keyType).replace(/^rsa-.*/, 'rsa')} key)`
        : '';
    return { relation, steps, note: `not trusted, nothing to take away${why}` };
}
function factsOf(account, { facts }) {
    const found = facts.accounts.get(formatAccount(account));
    if (found === undefined)
        throw new Error(`nothing was observed of ${formatAccount(account)}`);
    return found;
}
function plan_hostKeyOf({ target }, { facts }) {
    const hostKey = facts.hostKeys.get(target.name);
    if (hostKey === undefined)
        throw new Error(`there is no host key of ${target.name}`);
    return hostKey;
}
/** The patterns for the target's line. */
function wantedFrom({ from, source, target }, progress) {
    if (from !== undefined && /^dropbear/i.test(factsOf(target, progress).software ?? '')) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `${formatAccount(target)} is served by dropbear, which refuses a line with from=.`, { hint: 'Leave out from for this host.' });
    }
    if (from !== 'source')
        return from;
    const addresses = factsOf(source, progress).addresses ?? [];
    // They come from another machine, and go between quotes into authorized_keys.
    if (addresses.length > 0 && addresses.every((address) => (0,external_node_net_.isIP)(address) !== 0))
        return addresses;
    const found = addresses.length === 0 ? 'none was found' : (0,trust_report/* oneLine */.T)(addresses.join());
    throw new src_errors/* TrustError */.Ru('input-invalid', `The addresses of ${formatAccount(source)} are not known (${found}), so from can't be written.`, { hint: 'Give them: from=192.0.2.7,10.0.0.0/8.' });
}
/** Keys of the wanted type that can be read, the first first. Sizes of RSA keys are not looked at. */
function keysOfType({ source, keyType }, progress) {
    return factsOf(source, progress).keys.flatMap(({ publicKey, ...file }) => publicKey !== undefined && (0,public_key/* typeOfBlob */.JX)(publicKey) === keyType.type
        ? [{ ...file, publicKey }]
        : []);
}
/** The key that the source is to log in with, and whether this relation is the one that makes it. */
function keyToUse(relation, progress) {
    const { source, target, keyType } = relation;
    const candidates = keysOfType(relation, progress);
    const usable = candidates.filter(({ publicKey, encrypted }) => encrypted !== true && isLongEnough(publicKey, keyType));
    const listed = authorizedBy(target, progress);
    const linesOf = ({ publicKey }) => listed.get(publicKey.toString('base64')) ?? [];
    const best = usable.find((file) => linesOf(file).some((line) => isGood(line, progress))) ??
        usable.find((file) => linesOf(file).length > 0) ??
        usable[0];
    if (best !== undefined) {
        return { key: { path: best.path, publicKey: best.publicKey }, toMake: false };
    }
    const [unusable] = candidates;
    if (unusable !== undefined)
        throw unusableKey(relation, unusable);
    const kind = (0,public_key/* displayType */.x)(keyType.type);
    const id = `${formatAccount(source)} ${kind}`;
    const planned = progress.made.get(id);
    if (planned !== undefined)
        return { key: planned, toMake: false };
    const path = KEY_FILES[kind] ?? `~/.ssh/id_${kind.toLowerCase()}`;
    if (factsOf(source, progress).keys.some((file) => file.path === path)) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `On ${formatAccount(source)} ${path} is no ${formatKeySpec(keyType)} key, and it is not overwritten.`, { hint: 'Use key= with the type of that key, or with another type, or move the file away.' });
    }
    const key = { path };
    progress.made.set(id, key);
    return { key, toMake: true };
}
function isLongEnough(publicKey, { type, bits = 0 }) {
    return type !== 'ssh-rsa' || (0,public_key/* rsaBits */.Bo)(publicKey) >= bits;
}
function unusableKey({ source, keyType }, { path, publicKey, encrypted }) {
    const file = `On ${formatAccount(source)} ${(0,trust_report/* oneLine */.T)(path)}`;
    if (encrypted === true) {
        return new src_errors/* TrustError */.Ru('key-encrypted', `${file} has a passphrase, which nobody there can type.`, {
            hint: 'Use key= with another type: a key of its own is then made for this trust.',
        });
    }
    const bits = (0,public_key/* rsaBits */.Bo)(publicKey);
    return new src_errors/* TrustError */.Ru('key-too-small', `${file} has ${bits} bits; asked for is ${formatKeySpec(keyType)}.`, { hint: `It is not overwritten: use key=ed25519, or key=rsa-${bits} to take it as it is.` });
}
function authorizedBy(account, progress) {
    const label = formatAccount(account);
    const known = progress.authorized.get(label);
    if (known !== undefined)
        return known;
    const byKey = new Map();
    for (const line of factsOf(account, progress).authorized) {
        const id = line.publicKey.toString('base64');
        byKey.set(id, [...(byKey.get(id) ?? []), line]);
    }
    progress.authorized.set(label, byKey);
    return byKey;
}
/**
 * The target's lines for a key, and whether a relation before sees to them already: two sources can
 * hold one key (homes on a file server, cloned machines), and then one line is for both.
 */
function linesFor(relation, { publicKey }, progress) {
    if (publicKey === undefined)
        return { lines: [], claimed: false };
    const key = publicKey.toString('base64');
    const id = `${formatAccount(relation.target)} ${key}`;
    const other = progress.lines.get(id);
    if (other === undefined)
        progress.lines.set(id, relation);
    const wanted = (asked) => asked.remove ? undefined : wantedFrom(asked, progress);
    if (other !== undefined &&
        (other.remove !== relation.remove || !sameFrom(wanted(other), wanted(relation)))) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `${formatAccount(relation.source)} and ${formatAccount(other.source)} (${other.position}) hold the same key ${(0,public_key/* fingerprint */.Rj)(publicKey)}, so ${formatAccount(relation.target)} can't tell them apart.`, { hint: 'Ask for the same for both, or give one of them a key of another type with key=.' });
    }
    const lines = authorizedBy(relation.target, progress).get(key) ?? [];
    return { lines, claimed: other !== undefined };
}
function knownHostId({ source, target }) {
    return `${formatAccount(source)} ${target.name}`;
}
/** Whether a known_hosts line that this relation needs is only written in this run: that is to be proven. */
function willKnowHost(relation, { knownHosts }) {
    return knownHosts.has(knownHostId(relation));
}
function knownHostSteps(relation, hostKey, progress) {
    const { source, target, replaceStale } = relation;
    const id = knownHostId(relation);
    const known = factsOf(source, progress).knownHosts.get(target.name);
    if (progress.knownHosts.has(id))
        return [];
    // A key of another type may be good too: it goes on request alone, and does no harm but to a proof.
    const stale = known?.others.filter(({ sameType }) => sameType || replaceStale) ?? [];
    if (known?.pinned === true && !(replaceStale && stale.length > 0))
        return [];
    if (stale.length > 0 && !replaceStale) {
        const [on, host] = [formatAccount(source), target.name];
        const more = stale.length > 1;
        throw new src_errors/* TrustError */.Ru('host-key-changed', `On ${on} ${more ? 'lines' : 'line'} ${stale.map(({ lineNumber }) => lineNumber).join(', ')} of ~/.ssh/known_hosts ${more ? 'have other keys' : 'has another key'} for ${host}: ${tellKeys(stale)}. Pinned is ${(0,public_key/* fingerprint */.Rj)(hostKey.key)}.`, {
            hint: `If ${host} was reinstalled or its key was rotated, add replace-stale to the line. If not, somebody may have stood between ${on} and ${host}: do not go on.`,
        });
    }
    progress.knownHosts.add(id);
    return stale.length === 0
        ? [{ kind: 'add-known-host', hostKey }]
        : [{ kind: 'replace-known-host', hostKey, stale }];
}
function mayForget(relation, progress) {
    const id = knownHostId(relation);
    if (!progress.forgetHosts || progress.neededHosts.has(id) || progress.knownHosts.has(id)) {
        return false;
    }
    const known = factsOf(relation.source, progress).knownHosts.get(relation.target.name);
    return known?.pinned === true && known.ours;
}
function withWords(step, relation) {
    const { source, target, position } = relation;
    return { ...step, source, target, position, description: describe(step, relation) };
}
function describe(step, relation) {
    const [source, target] = [formatAccount(relation.source), formatAccount(relation.target)];
    const host = relation.target.name;
    switch (step.kind) {
        case 'generate-key':
            return `on ${source}: make ${step.path} (there is no key of that type)`;
        case 'authorize': {
            const from = step.from === undefined ? '' : `, from ${step.from.join()} only`;
            return `on ${target}: add the key of ${source} (${shown(step.key)}) to authorized_keys${from}${step.beside === undefined ? '' : ` (the line there ${step.beside}, and stays)`}`;
        }
        case 'add-known-host':
            return `on ${source}: add ${tellHostKey(step.hostKey, host)} to known_hosts`;
        case 'replace-known-host':
            return `on ${source}: replace the stale key of ${host} (${tellKeys(step.stale)}) in known_hosts by ${tellHostKey(step.hostKey, host)}`;
        case 'prove':
            return `prove that ${source} can log in to ${target}`;
        case 'deauthorize':
            return `on ${target}: take the key of ${source} (${(0,public_key/* fingerprint */.Rj)(step.publicKey)}) out of authorized_keys`;
        case 'prove-refused':
            return `prove that ${source} can no longer log in to ${target}`;
        case 'remove-known-host':
            return `on ${source}: take ${tellHostKey(step.hostKey, host)} out of known_hosts`;
    }
}
function shown({ path, publicKey }) {
    return publicKey === undefined ? `the new ${path}` : (0,public_key/* fingerprint */.Rj)(publicKey);
}
function tellHostKey({ key, marker }, host) {
    return `the pinned ${marker === undefined ? 'key' : 'CA'} of ${host} (${(0,public_key/* fingerprint */.Rj)(key)})`;
}
function tellKeys(keys) {
    return keys.map((key) => key.fingerprint).join(', ');
}
function tellFrom(lines) {
    const limits = lines.map(({ from }) => from === undefined ? 'from anywhere' : `from ${from.join()} only`);
    return (0,trust_report/* oneLine */.T)([...new Set(limits)].join(' and '));
}
/** The plan for people: a heading for each relation with its steps below, or that there is nothing to do. */
function renderPlan(plan) {
    return plan.relations.flatMap(({ relation, steps, note }) => {
        const heading = `${relation.remove ? '- ' : ''}${formatRelation(relation)}`;
        if (steps.length === 0)
            return [`${heading}: ${note ?? 'nothing to do'}`];
        const told = note === undefined ? heading : `${heading}: ${note}`;
        return [told, ...steps.map(({ description }) => `  ${description}`)];
    });
}

;// CONCATENATED MODULE: ./src/trust/host-trust/config.ts
/** The inputs of trust from host to host, and what they ask for. */




/** Relations and how long they last. Those inputs are also bootstrap's, which tells what is wrong with them. */
function readHostTrust(inputs, hosts, errors) {
    const { trust = '', trustLifetime, trustExpiry, revoke } = inputs;
    if (trust.trim() === '')
        return undefined;
    const accounts = hosts.map((line) => ({
        name: (0,trust_hosts/* hostName */.Sm)(line),
        ...(line.user === undefined ? {} : { user: line.user }),
    }));
    const { relations, errors: wrong } = parseRelations(trust, accounts);
    errors.push(...wrong);
    if (errors.length > 0)
        return undefined;
    return {
        relations,
        ...readTrustLifetime(trustLifetime),
        expiryRequired: trustExpiry !== 'optional',
        revoke: revoke === 'never' ? 'never' : 'auto',
    };
}

;// CONCATENATED MODULE: ./src/trust/host-trust/host-trust.ts
/**
 * Trust from host to host: what the relations of the `trust` input ask for is observed, planned, told,
 * and done, from the job's own logins to the accounts; each relation is proven by a login from its
 * source to its target. What fails half-way is taken back at once, what ends with the job in teardown.
 */








/**
 * @returns the plan, and where it was carried out the table of measured logins
 * @throws TrustError; what was done until then has been taken back, or is left to teardown
 */
async function establishTrust(relations, proven, job) {
    const accounts = await openAccounts(relations, proven, job);
    try {
        const facts = await observe(relations, accounts, proven);
        const permanent = job.config.lifetime === undefined;
        const plan = planRelations(relations, facts, { permanent });
        if (plan.errors.length > 0)
            throw (0,src_errors/* combine */.kg)(plan.errors);
        const lines = [...renderPlan(plan), ending(job)];
        for (const line of lines)
            job.say(line);
        const report = { plan: lines, dryRun: job.dryRun };
        if (job.dryRun)
            return { ...report, table: [], grants: [] };
        const work = beginWork(accounts, job);
        try {
            await carryOut(plan, facts, work);
        }
        catch (error) {
            if (work.measured.length > 0) {
                for (const line of ['logins, as measured:', ...renderTrustTable(work.measured)]) {
                    job.say(line);
                }
            }
            await takeBack(work);
            throw error;
        }
        settle(work);
        return { ...report, table: trustRows(work.measured), grants: work.grants };
    }
    finally {
        endAll(accounts);
    }
}
/** How long the trust lasts, in so many words. */
function ending({ config: { lifetime, revoke }, dryRun }) {
    if (dryRun)
        return 'dry-run: nothing was done on the hosts';
    if (lifetime === undefined) {
        return 'this trust is permanent (trust-lifetime: forever): post takes nothing of it back; the same lines with a minus in front take it away';
    }
    if (revoke === 'never') {
        return 'this trust outlives the job (revoke: never): the new lines of authorized_keys expire, keys and known_hosts stay';
    }
    return 'this trust ends with the job: post takes back all that is made here, and the new lines of authorized_keys expire';
}

;// CONCATENATED MODULE: external "node:fs/promises"
const external_node_fs_promises_namespaceObject = require("node:fs/promises");
;// CONCATENATED MODULE: ./src/trust/inventory.ts
/**
 * The `hosts-file` input: hosts from a file, in the grammar of `hosts`, as an Ansible inventory (INI or
 * YAML), or as an ssh_config. What it is, is told by its name where that says so (`.ini`, `.yml`,
 * `.yaml`, `.json`, `ssh_config`), and else by its content; errors of the whole file say which it was.
 */





/** Ten thousand hosts with a full RSA key each. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Most errors that are told: a wrong pin of a group is one of every host. */
const MAX_ERRORS = 100;
const FORMAT_NAMES = {
    hosts: 'lines as in the hosts input',
    'ansible-ini': 'an Ansible inventory in INI',
    'ansible-yaml': 'an Ansible inventory in YAML',
    'ssh-config': 'an ssh_config',
};
/**
 * Reads the file and checks all of its hosts. Whether their names clash is left to the caller, who has
 * more hosts.
 *
 * @param path as the user gave it
 * @param directory what it is relative to
 * @throws TrustError `input-invalid` for a file that can't be read
 */
async function readInventory(path, directory) {
    return parseInventory(path, await readText((0,external_node_path_.resolve)(directory, path), path));
}
/** @param path says where errors are, and perhaps the format */
async function parseInventory(path, text) {
    const source = `hosts-file ${(0,trust_report/* oneLine */.T)(path)}`;
    const { format, because } = recognize(path, text);
    const { hosts, errors, notes } = await parseAs(format, text, source);
    const taken = `The file was read as ${FORMAT_NAMES[format]}, because ${because}.`;
    if (hosts.length === 0 && errors.length === 0 && notes.length === 0) {
        errors.push(new src_errors/* TrustError */.Ru('input-invalid', 'There are no hosts in it.', { input: source, hint: taken }));
    }
    const told = errors
        .slice(0, MAX_ERRORS)
        .map((error) => (hosts.length > 0 ? error : withHint(error, taken)));
    if (errors.length > told.length) {
        const message = `${errors.length - told.length} more things are wrong.`;
        told.push(new src_errors/* TrustError */.Ru('hosts-syntax', message, { input: source }));
    }
    return { hosts, errors: told, notes: notes.map((note) => `${source}: ${note}`) };
}
async function parseAs(format, text, source) {
    const position = (line) => `${source}:${line}`;
    if (format === 'hosts')
        return { ...(0,trust_hosts/* parseHostLines */.jj)(text, source), notes: [] };
    if (format === 'ansible-ini')
        return (await __nccwpck_require__.e(/* import() */ 243).then(__nccwpck_require__.bind(__nccwpck_require__, 8243))).parseIni(text, position);
    if (format === 'ssh-config') {
        return (await __nccwpck_require__.e(/* import() */ 14).then(__nccwpck_require__.bind(__nccwpck_require__, 14))).parseSshConfig(text, position);
    }
    return (await Promise.all(/* import() */[__nccwpck_require__.e(815), __nccwpck_require__.e(238)]).then(__nccwpck_require__.bind(__nccwpck_require__, 8238))).parseYaml(text, position); // and the YAML parser with it
}
/** Where no host could be read, the file may be of another format than it looks. */
function withHint(error, taken) {
    const { code, message, input, hint } = error;
    return new src_errors/* TrustError */.Ru(code, message, {
        hint: hint === undefined ? taken : `${hint} ${taken}`,
        ...(input === undefined ? {} : { input }),
    });
}
/** @returns the format, and what says so, in words */
function recognize(path, text) {
    const name = (0,external_node_path_.basename)(path.replaceAll('\\', '/')).toLowerCase();
    const [, extension] = /\.(ini|yml|yaml|json)$/.exec(name) ?? [];
    if (extension !== undefined) {
        const format = extension === 'ini' ? 'ansible-ini' : 'ansible-yaml';
        return { format, because: `its name ends in .${extension}` };
    }
    if (name.endsWith('ssh_config'))
        return { format: 'ssh-config', because: 'of its name' };
    return recognizeContent(text);
}
function recognizeContent(text) {
    const lines = text.split(/\r\n|\r|\n/);
    let first = true;
    for (const [index, line] of lines.entries()) {
        if (/^\s*([#;].*)?$/.test(line))
            continue;
        const format = formatOfLine(line, first);
        first = false;
        if (format !== undefined)
            return { format, because: `line ${index + 1} looks like that` };
    }
    return { format: 'hosts', because: 'nothing in it looks like another format' };
}
/** Lines that stand in one format alone. None of them is a line of `hosts` that is right. */
function formatOfLine(line, first) {
    // A host may be called host: then pins follow.
    if (/^\s*(Host|Match)(\s*=\s*|\s+)(?!SHA256:|@|ssh-|ecdsa-|sk-)\S/i.test(line))
        return 'ssh-config';
    // In brackets can also be an IPv6 address, with pins behind it.
    if (/^\s*\[[^\]\s]+\]\s*([#;].*)?$/.test(line))
        return 'ansible-ini';
    if (/\s(ansible_\w+|ssh_trust_\w+)=/.test(line))
        return 'ansible-ini';
    if (first && /^(---|%YAML|\{|["']?[\w.-]+["']?:\s*(#.*)?$)/.test(line))
        return 'ansible-yaml';
    return undefined;
}
async function readText(file, path) {
    const bytes = await readBytes(file, path);
    let text;
    try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    }
    catch {
        throw inventory_unreadable(path, 'is not UTF-8', 'Save it as UTF-8.');
    }
    if (text.includes('\0'))
        throw inventory_unreadable(path, 'is not a text');
    // Errors quote lines, which a key should be in none of.
    if (/PRIVATE KEY-----|PuTTY-User-Key-File-/.test(text)) {
        throw inventory_unreadable(path, 'has a private key in it', 'Keys belong into ssh-private-key, from a secret.');
    }
    return text;
}
async function readBytes(file, path) {
    try {
        const status = await (0,external_node_fs_promises_namespaceObject.stat)(file);
        if (status.isDirectory())
            throw inventory_unreadable(path, 'is a directory');
        if (!status.isFile())
            throw inventory_unreadable(path, 'is not a regular file');
        if (status.size <= MAX_BYTES) {
            const bytes = await (0,external_node_fs_promises_namespaceObject.readFile)(file);
            if (bytes.length <= MAX_BYTES)
                return bytes;
        }
    }
    catch (error) {
        if (error instanceof src_errors/* TrustError */.Ru)
            throw error;
        const code = (0,src_errors/* systemCode */.xU)(error);
        const hint = 'The path is relative to the workspace: check the repository out before this step.';
        if (code === 'ENOENT' || code === 'ENOTDIR')
            throw inventory_unreadable(path, 'is not there', hint);
        throw inventory_unreadable(path, `can't be read (${code ?? String(error)})`);
    }
    throw inventory_unreadable(path, 'has more than 16 MiB');
}
function inventory_unreadable(path, why, hint) {
    return new src_errors/* TrustError */.Ru('input-invalid', `The file ${(0,trust_report/* oneLine */.T)(path)} ${why}.`, {
        input: 'hosts-file',
        ...(hint === undefined ? {} : { hint }),
    });
}

;// CONCATENATED MODULE: ./src/ssh/sshsig.ts
/** What `ssh-keygen -Y sign` has signed: a commit, a file (OpenSSH's PROTOCOL.sshsig, section 3). */

/** PROTOCOL.sshsig: MAGIC_PREAMBLE. */
const sshsig_MAGIC = Buffer.from('SSHSIG');
/** Longest namespace that is compared and told; OpenSSH sets no bound. */
const MAX_NAMESPACE = 1024;
/** What a signature is for (`git`, `file`, …), or undefined where `data` is not to be signed so. */
function sshsig_sshsigNamespace(data) {
    try {
        const reader = new Reader(data);
        if (!reader.bytes(sshsig_MAGIC.length).equals(sshsig_MAGIC))
            return undefined;
        const namespace = reader.text(MAX_NAMESPACE);
        reader.string(); // reserved
        reader.text(64); // hash algorithm
        reader.string(64); // the hash of the message
        reader.end('an SSHSIG');
        return namespace === '' ? undefined : namespace;
    }
    catch {
        return undefined; // short or overlong
    }
}
/** Whether `data` could be taken for something to be signed so, whole or not. */
function sshsig_beginsAsSshsig(data) {
    return data.subarray(0, sshsig_MAGIC.length).equals(sshsig_MAGIC);
}

;// CONCATENATED MODULE: ./src/ssh/userauth.ts
/**
 * The data that a client signs to log in: RFC 4252 §7, and OpenSSH's
 * publickey-hostbound-v00@openssh.com (OpenSSH's PROTOCOL, section 3.1), which adds the host key.
 */

/** RFC 4252 §6. */
const SSH_MSG_USERAUTH_REQUEST = 50;
/** Longest user name that is told in the audit and compared; Linux allows 32, others 256. */
const MAX_USER = 1024;
/** What `data` asks for, or undefined where it is anything but a whole request for a signature. */
function userauth_parseUserauthRequest(data) {
    try {
        const reader = new Reader(data);
        const sessionId = reader.string(128);
        const message = reader.byte();
        const user = reader.text(MAX_USER);
        const service = reader.text(256);
        const method = reader.text(256);
        const signatureFollows = reader.boolean();
        const algorithm = reader.text(256);
        const key = reader.string();
        const hostbound = method === 'publickey-hostbound-v00@openssh.com';
        const hostKey = hostbound ? reader.string() : undefined;
        reader.end('a userauth request');
        if (sessionId.length === 0 || message !== SSH_MSG_USERAUTH_REQUEST || !signatureFollows) {
            return undefined;
        }
        if (service !== 'ssh-connection' || (method !== 'publickey' && !hostbound))
            return undefined;
        const request = { sessionId, user, service, algorithm, key };
        return hostKey === undefined
            ? { ...request, method: 'publickey' }
            : { ...request, method: 'publickey-hostbound-v00@openssh.com', hostKey };
    }
    catch {
        return undefined; // short or overlong: not a userauth request
    }
}
/** Whether `data` could be taken for a login by some server, whole or not, of any method or service. */
function userauth_beginsAsUserauth(data) {
    try {
        const reader = new Reader(data);
        reader.string();
        return reader.byte() === SSH_MSG_USERAUTH_REQUEST;
    }
    catch {
        return false;
    }
}

// EXTERNAL MODULE: ./src/agent/messages.ts
var messages = __nccwpck_require__(3557);
;// CONCATENATED MODULE: ./src/agent/constraints.ts
/**
 * What a key was added with: lifetime, confirmation (RFC 9987 §5.2.7), and the destinations that it
 * may be used for (`restrict-destination-v00@openssh.com`, PROTOCOL.agent section 2). The rules of the
 * latter are those of OpenSSH's identity_permitted.
 */






/** OpenSSH's AGENT_MAX_DEST_CONSTRAINTS and AGENT_USER_CONSTRAINT_MAX_LEN. */
const MAX_DESTINATIONS = 1024;
const MAX_USER_PATTERN = 256;
const MAX_HOSTNAME = 1024;
/**
 * Reads constraints to the end of the message.
 *
 * @throws TrustError `malformed`, also for constraints that are not known: a key must not be added
 *   with less protection than was asked for
 */
function readConstraints(reader) {
    const constraints = {};
    const once = (name) => {
        if (constraints[name] !== undefined)
            throw malformed(`${name} is given twice`);
    };
    while (reader.remaining > 0) {
        const type = reader.byte();
        switch (type) {
            case SSH_AGENT_CONSTRAIN_LIFETIME:
                once('lifetime');
                constraints.lifetime = reader.uint32();
                break;
            case SSH_AGENT_CONSTRAIN_CONFIRM:
                once('confirm');
                constraints.confirm = true;
                break;
            case SSH_AGENT_CONSTRAIN_EXTENSION: {
                // sk-provider and associated-certs are for hardware, of which there is none here.
                const name = reader.text(256);
                if (name !== RESTRICT_DESTINATION)
                    throw malformed(`the extension ${name} is not known`);
                once('destinations');
                constraints.destinations = readDestinations(reader.string());
                break;
            }
            default:
                throw malformed(`the type ${type} is not known`);
        }
    }
    return constraints;
}
function malformed(what) {
    return new TrustError('malformed', `A constraint can't be kept: ${what}.`);
}
function readDestinations(contents) {
    const reader = new Reader(contents);
    const destinations = [];
    while (reader.remaining > 0) {
        if (destinations.length >= MAX_DESTINATIONS)
            throw malformed('too many destinations');
        destinations.push(readDestination(new Reader(reader.string())));
    }
    // OpenSSH's agent takes this for no restriction at all.
    if (destinations.length === 0)
        throw malformed('a restriction to no destination');
    return destinations;
}
function readDestination(reader) {
    const from = readHop(new Reader(reader.string()));
    const to = readHop(new Reader(reader.string()));
    if (reader.string().length > 0)
        throw malformed('a destination with unknown parts');
    reader.end('a destination');
    const { hop: source, user: sourceUser } = from;
    if (sourceUser !== '')
        throw malformed('a user at the source');
    if ((source.hostname === '') !== (source.keys.length === 0))
        throw malformed('half a source');
    if (to.hop.hostname === '' || to.hop.keys.length === 0)
        throw malformed('half a destination');
    return {
        ...(source.hostname === '' ? {} : { from: source }),
        ...(to.user === '' ? {} : { user: to.user }),
        to: to.hop,
    };
}
function readHop(reader) {
    const user = reader.text(MAX_USER_PATTERN);
    const hostname = reader.text(MAX_HOSTNAME);
    if (/\0/.test(user + hostname))
        throw malformed('a name with a zero byte');
    if (reader.string().length > 0)
        throw malformed('a host with unknown parts');
    const keys = [];
    while (reader.remaining > 0) {
        keys.push({ blob: readHostKey(reader), authority: reader.boolean() });
    }
    return { hop: { hostname, keys }, user };
}
/** A host key of any type: one that is not known here (a FIDO key) is kept, and never met. */
function readHostKey(reader) {
    const blob = Buffer.from(reader.string());
    try {
        decodePublicKey(plainKey(blob));
    }
    catch (error) {
        if (!(error instanceof TrustError && error.code === 'key-type-unsupported'))
            throw error;
    }
    return blob;
}
/**
 * Whether a key with these destinations may be used on a connection with these bindings.
 *
 * @param user to log in as; undefined where the key is not to sign but to be listed or removed
 * @param now seconds since 1970, for host certificates
 */
function constraints_destinationsPermit(destinations, bindings, user, now) {
    if (bindings.failed)
        return false;
    const path = bindings.list;
    const last = path.at(-1);
    if (last === undefined)
        return user === undefined; // at the agent's own machine: listed, not used
    if (last.forwarding && user !== undefined)
        return false;
    const permitted = path.every((binding, index) => {
        if (index < path.length - 1 && !binding.forwarding)
            return false;
        const asUser = binding === last ? user : undefined;
        return allowsStep(destinations, path[index - 1], binding, asUser, now);
    });
    if (!permitted)
        return false;
    // A key that may be used at this host but not beyond it is not shown to the host.
    return !last.forwarding || allowsStep(destinations, last, undefined, undefined, now);
}
function allowsStep(destinations, from, to, user, now) {
    return destinations.some((destination) => (from === undefined
        ? destination.from === undefined
        : destination.from !== undefined && isHop(destination.from, from.hostKey, now)) &&
        (to === undefined || isHop(destination.to, to.hostKey, now)) &&
        (destination.user === undefined ||
            user === undefined ||
            matchPattern(user, destination.user)));
}
function isHop({ hostname, keys }, hostKey, now) {
    if (!isCertificateType(typeOfBlob(hostKey))) {
        return keys.some(({ blob, authority }) => !authority && blob.equals(hostKey));
    }
    const authorities = keys.filter(({ authority }) => authority).map(({ blob }) => blob);
    try {
        const certificate = parseCertificate(hostKey);
        return hostCertificateDefect(certificate, hostname, authorities, now) === undefined;
    }
    catch {
        return false; // damaged: it can be bound, for its key is whole
    }
}

;// CONCATENATED MODULE: ./src/agent/policy.ts
/**
 * What the agent signs, and for whom. `decide` is a pure function of the policy, the identity, what
 * the connection is bound to, and the data; everything else in the agent only carries its verdict out.
 */





const policy_POLICY_MODES = ['pinned', 'warn', 'any'];
/**
 * Whether the login is with this pair of keys, plain or certified: ssh offers a certificate and then
 * asks for the signature of the plain key, where the agent lists both.
 */
function isFor({ key }, { privateKey }) {
    try {
        return plainKey(key).equals(privateKey.publicKey);
    }
    catch {
        return false; // no key, or none of a type that is held here
    }
}
function allows(host, identity) {
    return (host.keys === undefined ||
        host.keys.includes(identity.fingerprint) ||
        host.keys.includes(identity.comment));
}
/** The hosts whose pins a proven host key satisfies; `revoked` if any host revokes it. */
function hostsWithKey(policy, hostKey, now) {
    const matching = [];
    for (const host of policy.hosts) {
        const { verdict } = judgeHostKey(host.pins, host.hostname, hostKey, now);
        if (verdict === 'revoked')
            return 'revoked';
        if (verdict === 'ok')
            matching.push(host);
    }
    return matching;
}
/**
 * Whether `identity` may sign `data` on a connection with these bindings.
 *
 * @param now seconds since 1970, for host certificates
 * @param signatures that the agent has made so far
 */
function decide(policy, identity, bindings, data, now, signatures = 0) {
    const request = parseUserauthRequest(data);
    const forwarded = bindings.list.length > 1;
    const facts = { forwarded, ...(request === undefined ? {} : { user: request.user }) };
    const allow = (reason) => ({ allowed: true, reason, ...facts });
    const refuse = (reason) => ({ allowed: false, reason, ...facts });
    if (policy.maxSignatures !== undefined && signatures >= policy.maxSignatures) {
        return refuse('signatures-used-up');
    }
    const outside = outsideDestinations(identity, request, bindings, now);
    if (outside !== undefined)
        return refuse(outside);
    if (policy.mode === 'any')
        return allow('any-allowed');
    if (bindings.failed)
        return refuse('bind-failed');
    if (request === undefined) {
        const reason = judgeOtherData(policy, data);
        if (!reason.allowed)
            return refuse(reason.reason);
        const blocked = blockingHop(policy, bindings.list, identity, now) !== undefined;
        return blocked ? refuse('forward-not-allowed') : allow(reason.reason);
    }
    if (!isFor(request, identity))
        return refuse('not-userauth');
    const last = bindings.list.at(-1);
    if (last === undefined) {
        return policy.mode === 'pinned' ? refuse('unbound') : allow('unbound-allowed');
    }
    const mismatch = sessionMismatch(request, last);
    if (mismatch !== undefined)
        return refuse(mismatch);
    const path = bindings.list.slice(0, -1);
    const { reason, host } = judgeLogin(policy, identity, path, last, request, now);
    const verdict = reason === 'host-pinned' ? allow(reason) : refuse(reason);
    return host === undefined ? verdict : { ...verdict, host: host.name };
}
/** What a key's own destinations say, whatever the policy is: the rules of OpenSSH's agent. */
function outsideDestinations(identity, request, bindings, now) {
    if (identity.destinations === undefined)
        return undefined;
    const last = bindings.list.at(-1);
    if (last === undefined ||
        request === undefined ||
        !isFor(request, identity) ||
        !destinationsPermit(identity.destinations, bindings, request.user, now)) {
        return 'destination-not-permitted';
    }
    const mismatch = sessionMismatch(request, last);
    if (mismatch !== undefined)
        return mismatch;
    return bindings.list.length > 1 && request.hostKey === undefined
        ? 'forward-not-hostbound'
        : undefined;
}
/** Data that is no login: signed files and commits, tests, certificates, host keys at work. */
function judgeOtherData(policy, data) {
    const namespace = sshsigNamespace(data);
    if (namespace !== undefined) {
        return policy.namespaces?.includes(namespace) === true
            ? { allowed: true, reason: 'namespace-allowed' }
            : { allowed: false, reason: 'namespace-not-allowed' };
    }
    // A login in a form that is not known here is no other data.
    return policy.otherData === true && !beginsAsUserauth(data) && !beginsAsSshsig(data)
        ? { allowed: true, reason: 'other-data-allowed' }
        : { allowed: false, reason: 'not-userauth' };
}
/** A login on a connection that is bound to the session of the login, over the hops of `path`. */
function judgeLogin(policy, identity, path, last, request, now) {
    const hosts = hostsWithKey(policy, last.hostKey, now);
    if (hosts === 'revoked')
        return { reason: 'host-revoked' };
    // Several lines may pin the same key: the line for this very user speaks first.
    hosts.sort((a, b) => Number(b.user === request.user) - Number(a.user === request.user));
    const [anyHost] = hosts;
    if (anyHost === undefined)
        return { reason: 'host-not-pinned' };
    const [forKey, ...others] = hosts.filter((candidate) => allows(candidate, identity));
    if (forKey === undefined)
        return { reason: 'key-not-for-host', host: anyHost };
    const host = [forKey, ...others].find(({ users }) => users?.includes(request.user) ?? true);
    if (host === undefined)
        return { reason: 'user-not-allowed', host: forKey };
    if (path.length === 0)
        return { reason: 'host-pinned', host };
    // PROTOCOL, publickey-hostbound: without it a forwarded signature could be for any host.
    if (request.hostKey === undefined)
        return { reason: 'forward-not-hostbound', host };
    const blocking = blockingHop(policy, path, identity, now);
    if (blocking === undefined)
        return { reason: 'host-pinned', host };
    const { host: hop } = blocking;
    return { reason: 'forward-not-allowed', ...(hop === undefined ? {} : { host: hop }) };
}
function sessionMismatch(request, last) {
    if (last.forwarding)
        return 'forwarding-hop';
    if (!request.sessionId.equals(last.sessionId))
        return 'session-mismatch';
    if (request.hostKey !== undefined && !request.hostKey.equals(last.hostKey)) {
        return 'host-key-mismatch';
    }
    return undefined;
}
/** The first hop of a path that may not use the agent, with this key, onwards; undefined: all may. */
function blockingHop(policy, path, identity, now) {
    for (const hop of path) {
        const hosts = hostsWithKey(policy, hop.hostKey, now);
        if (hosts === 'revoked')
            return {};
        if (hop.forwarding && hosts.some((host) => host.forward && allows(host, identity)))
            continue;
        return hosts[0] === undefined ? {} : { host: hosts[0] };
    }
    return undefined;
}
/**
 * The identities that a connection gets to see: all on an unbound one (public keys are public), on a
 * bound one those that could be used there, so that a server is offered no useless key.
 */
function visible(policy, identities, bindings, now) {
    const within = identities.filter((identity) => isPermitted(identity, bindings, now));
    const none = (withheld, host) => ({
        identities: [],
        withheld,
        ...(host === undefined ? {} : { host: host.name }),
    });
    if (within.length === 0 && identities.length > 0)
        return none('destination-not-permitted');
    if (policy.mode === 'any')
        return { identities: within };
    if (bindings.failed)
        return none('bind-failed');
    const last = bindings.list.at(-1);
    if (last === undefined)
        return { identities: within };
    const hosts = hostsWithKey(policy, last.hostKey, now);
    if (hosts === 'revoked')
        return none('host-revoked');
    if (hosts.length === 0 && !last.forwarding)
        return none('host-not-pinned');
    const path = last.forwarding ? bindings.list : bindings.list.slice(0, -1);
    const fitting = within.filter((identity) => last.forwarding || hosts.some((host) => allows(host, identity)));
    const shown = fitting.filter((identity) => blockingHop(policy, path, identity, now) === undefined);
    if (shown.length > 0 || within.length === 0)
        return { identities: shown };
    const [blocked] = fitting;
    if (blocked === undefined)
        return none('key-not-for-host', hosts[0]);
    return none('forward-not-allowed', blockingHop(policy, path, blocked, now)?.host);
}
/** Whether a key's own destinations let it be seen, and removed, on a connection. */
function isPermitted({ destinations }, bindings, now) {
    return destinations === undefined || destinationsPermit(destinations, bindings, undefined, now);
}
/**
 * Whether keys may be added, removed or locked over a connection: not from a host that may not use the
 * agent.
 */
function policy_mayChangeKeys(policy, bindings, now) {
    if (policy.mode === 'any')
        return true;
    return (!bindings.failed &&
        bindings.list.every((hop) => hop.forwarding && forwardingHosts(policy, hop, now).length > 0));
}
/** The hosts with `forward` that a hop can be; none if a host revokes its key. */
function forwardingHosts(policy, hop, now) {
    const hosts = hostsWithKey(policy, hop.hostKey, now);
    return hosts === 'revoked' ? [] : hosts.filter(({ forward }) => forward);
}

;// CONCATENATED MODULE: ./src/trust/policy.ts
/** The agent's policy, from the inputs that say what it may sign. */




/**
 * @param pinned whether there are hosts to go by
 * @returns undefined where `attempt` has noted an error
 */
function readPolicy(inputs, pinned, attempt) {
    const mode = attempt('agent-policy', () => readMode(inputs.agentPolicy, pinned));
    const lifetime = inputs.agentLifetime === ''
        ? undefined
        : attempt('agent-lifetime', () => readLifetime(inputs.agentLifetime));
    const maxSignatures = attempt('max-signatures', () => readCount(inputs.maxSignatures));
    const namespaces = readNames(inputs.signatureNamespaces);
    const otherData = attempt('sign-other-data', () => readBoolean(inputs.signOtherData, false));
    if (mode === undefined || otherData === undefined)
        return undefined;
    return {
        policy: {
            mode,
            ...(namespaces.length === 0 ? {} : { namespaces }),
            ...(otherData ? { otherData } : {}),
            ...(maxSignatures === undefined ? {} : { maxSignatures }),
        },
        ...(lifetime === undefined ? {} : { lifetime }),
    };
}
function readMode(text, pinned) {
    if (text === '')
        return pinned ? 'pinned' : 'any';
    const mode = policy_POLICY_MODES.find((name) => name === text);
    if (mode === undefined) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is no policy.`, {
            hint: `Use one of: ${policy_POLICY_MODES.join(', ')}.`,
        });
    }
    if (mode !== 'any' && !pinned) {
        throw new src_errors/* TrustError */.Ru('input-invalid', `The policy ${mode} needs hosts to go by, and hosts is empty.`, {
            hint: 'List the hosts of the job, one a line, each with the fingerprint of its key.',
        });
    }
    return mode;
}
/** The longest that a timer of Node waits is 24.8 days; a job on a runner of one's own lasts 5 at most. */
const MAX_LIFETIME = 24 * 86_400;
function readLifetime(text) {
    const seconds = parseDuration(text);
    if (seconds <= MAX_LIFETIME)
        return seconds;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is more than 24 days.`);
}

;// CONCATENATED MODULE: ./src/trust/shard.ts
/** The `shard` input: one part of a fleet for each job of a matrix. */

/** Far more than the 256 jobs that a matrix may have. */
const MAX_SHARDS = 1000;
/**
 * @returns undefined for an empty text
 * @throws TrustError `input-invalid`
 */
function parseShard(text) {
    if (text.trim() === '')
        return undefined;
    const [, number, of] = /^\s*([0-9]{1,4})\s*\/\s*([0-9]{1,4})\s*$/.exec(text) ?? [];
    const shard = { number: Number(number), of: Number(of) };
    if (shard.number >= 1 && shard.number <= shard.of && shard.of <= MAX_SHARDS)
        return shard;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(text)} is not a shard.`, {
        hint: `Write 2/8 for the second of eight; there may be ${MAX_SHARDS} of them.`,
    });
}
/**
 * Every host whose turn it is, in the order of the list: of eight shards, the second has the 2nd, the
 * 10th, the 18th …. So no shard has more than one host more than another.
 *
 * @throws TrustError `input-invalid` where that is none: a job without hosts has an agent that signs for all
 */
function takeShard(hosts, { number, of }) {
    const taken = hosts.filter((_, index) => index % of === number - 1);
    if (taken.length > 0)
        return taken;
    const there = hosts.length === 1 ? 'There is 1 host' : `There are ${hosts.length} hosts`;
    throw new src_errors/* TrustError */.Ru('input-invalid', `${there}, so shard ${number}/${of} has none.`, {
        hint: hosts.length === 0
            ? 'List the hosts in hosts or hosts-file.'
            : `Have no more than ${hosts.length} shards in the matrix.`,
    });
}

;// CONCATENATED MODULE: ./src/trust/config.ts














/**
 * The same as readConfig, with the hosts of `hosts-file`.
 *
 * @param directory what that path is relative to
 * @throws TrustError
 */
async function loadConfig(inputs, directory = process.env['GITHUB_WORKSPACE'] ?? process.cwd()) {
    const { hostsFile = '' } = inputs;
    if (hostsFile === '')
        return readConfig(inputs);
    const inventory = await readInventory(hostsFile, directory).catch((error) => {
        if (!(error instanceof src_errors/* TrustError */.Ru))
            throw error;
        return { hosts: [], errors: [error], notes: [] };
    });
    return readConfig(inputs, inventory);
}
/**
 * Checks all inputs, and tells of everything that is wrong in one error.
 *
 * @param inventory what `hosts-file` holds
 * @throws TrustError
 */
function readConfig(inputs, inventory) {
    // Without its hosts the job would have an agent that signs for any.
    if (inventory === undefined && (inputs.hostsFile ?? '') !== '') {
        throw new Error('hosts-file has not been read');
    }
    const { errors, attempt } = input_values_collectErrors();
    const loaded = attempt('ssh-private-key', () => readKeys(inputs));
    const spec = inputs.generateKey === ''
        ? undefined
        : attempt('generate-key', () => parseKeySpec(inputs.generateKey));
    const certification = attempt('certificate-authority-key', () => {
        const { generateKey, keyComment } = inputs;
        const read = readCertification(inputs, keyComment);
        if (read !== undefined && generateKey === '')
            throw nothingToCertify();
        return read;
    });
    const { hosts: all, errors: hostErrors } = readHosts(inputs, inventory);
    errors.push(...hostErrors);
    const generate = spec === undefined ? {} : { generate: { ...spec, comment: inputs.keyComment } };
    const bounds = readPolicy(inputs, all.length + hostErrors.length > 0, attempt);
    const bootstrap = readBootstrap(inputs, all, attempt);
    // Whichever its shard is, each job has told of what is wrong with any host.
    const hosts = attempt('shard', () => {
        const shard = parseShard(inputs.shard ?? '');
        return shard === undefined || hostErrors.length > 0 ? all : takeShard(all, shard);
    });
    const hostTrust = readHostTrust(inputs, hosts ?? all, errors);
    const dryRun = attempt('dry-run', () => readBoolean(inputs.dryRun ?? '', false));
    const home = attempt('home', () => readBoolean(inputs.home, true));
    const connectTimeout = attempt('connect-timeout', () => readTimeout(inputs.connectTimeout, 10));
    if (loaded !== undefined)
        errors.push(...unknownKeys(all, loaded.keys, inputs));
    if (errors.length > 0 ||
        loaded === undefined ||
        hosts === undefined ||
        bounds === undefined ||
        home === undefined ||
        connectTimeout === undefined) {
        throw (0,src_errors/* combine */.kg)(errors);
    }
    return {
        ...loaded,
        warnings: [...loaded.warnings, ...(inventory?.notes ?? [])],
        ...generate,
        ...(certification === undefined ? {} : { certification }),
        ...(bootstrap === undefined ? {} : { bootstrap }),
        ...(hostTrust === undefined ? {} : { hostTrust }),
        ...(dryRun === true ? { dryRun } : {}),
        hosts,
        ...bounds,
        home,
        connectTimeout,
    };
}
function readHosts(inputs, inventory) {
    const { hosts, errors } = (0,trust_hosts/* parseHosts */.tB)(inputs.hosts);
    if (inventory === undefined)
        return { hosts, errors };
    const clashes = (0,trust_hosts/* nameClashes */.L6)(inventory.hosts, hosts);
    return {
        hosts: [...hosts, ...inventory.hosts],
        errors: [...errors, ...inventory.errors, ...clashes],
    };
}
function readKeys(inputs) {
    const { sshPrivateKey, sshCertificate, generateKey } = inputs;
    if (sshPrivateKey.trim() === '') {
        if (generateKey !== '')
            return { keys: [], repairs: [], warnings: [] };
        throw new src_errors/* TrustError */.Ru('key-empty', 'There is no key: ssh-private-key is empty, and generate-key is not set.', {
            hint: 'Is the name of the secret right? Secrets are not passed to workflows of pull requests from forks, nor to Dependabot’s.',
        });
    }
    const { keys, certificates, repairs } = parsePrivateKeys(sshPrivateKey, readLines(inputs.passphrase));
    const named = keys.map((key, index) => ({ ...key, comment: commentOf(key, index) }));
    const given = [...certificates, ...readLines(sshCertificate).map(readCertificateLine)];
    return { repairs, ...matchCertificates(named, given, Date.now() / 1000) };
}
/** PEM has no comments; `key=` needs something to name a key by, and a line of the log is one line. */
function commentOf({ comment }, index) {
    const clean = (0,trust_report/* oneLine */.T)(comment).trim();
    return clean === '' ? `ssh-private-key-${index + 1}` : clean;
}
function readCertificateLine(line) {
    const certificate = (0,ssh_certificate/* certificateOnLine */.tr)(line);
    if (certificate !== undefined)
        return certificate;
    throw new src_errors/* TrustError */.Ru('certificate-invalid', 'This is not a certificate of OpenSSH.', {
        input: 'ssh-certificate',
        hint: 'Paste the *-cert.pub file: its line begins with ssh-ed25519-cert-v01@openssh.com or the like.',
    });
}
function nothingToCertify() {
    return new src_errors/* TrustError */.Ru('input-invalid', 'There is no generated key to certify.', {
        hint: 'Set generate-key, for example to ed25519. A key of your own brings its certificate in ssh-certificate.',
    });
}
/** An error for each `key=` that names no key of the job. */
function unknownKeys(hosts, keys, { generateKey, keyComment }) {
    const names = keys.flatMap(({ privateKey: { publicKey, comment } }) => [
        (0,public_key/* fingerprint */.Rj)(publicKey),
        comment,
    ]);
    if (generateKey !== '')
        names.push(keyComment);
    return hosts.flatMap(({ keys: wanted = [], position }) => wanted
        .filter((name) => !names.includes(name))
        .map((name) => new src_errors/* TrustError */.Ru('hosts-option-unknown', `key=${name} is none of the job's keys.`, {
        input: position,
        hint: `They are: ${names.join(', ')}.`,
    })));
}

// EXTERNAL MODULE: ./src/agent/control.ts
var control = __nccwpck_require__(2820);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(3024);
;// CONCATENATED MODULE: ./src/agent/keyring.ts
/** The identities that the agent holds. */





/** Most identities; OpenSSH's MAX_AGENT_IDENTITIES, beyond which its clients take no list. */
const MAX_IDENTITIES = 2048;
/** The identity of a plain key. */
function keyring_plainIdentity(privateKey) {
    const { publicKey, comment } = privateKey;
    return { blob: publicKey, comment, fingerprint: fingerprint(publicKey), privateKey };
}
/**
 * The identity of a key with its certificate (wire format).
 *
 * @throws TrustError `key-unreadable` if the certificate is another key's, or its authority has not
 *   signed it: OpenSSH's clients take no list with such a one in it
 */
function keyring_certifiedIdentity(privateKey, certificate) {
    if (typeOfBlob(certificate) !== certificateType(privateKey.type)) {
        throw new TrustError('key-unreadable', 'This is no certificate for a key of that type.');
    }
    const parsed = parseCertificate(certificate);
    if (!parsed.key.equals(privateKey.publicKey)) {
        throw new TrustError('key-unreadable', 'The certificate is not one for this private key.');
    }
    if (!isSigned(parsed)) {
        throw new TrustError('key-unreadable', "The signature of the certificate's authority is wrong.");
    }
    return { ...keyring_plainIdentity(privateKey), blob: certificate };
}
function findIdentity(identities, blob) {
    return identities.find((identity) => identity.blob.equals(blob));
}
/**
 * The identities with one more, behind the others; one with the same blob is replaced where it stands.
 * Returns undefined where there are too many.
 */
function keyring_withIdentity(identities, added) {
    const index = identities.findIndex(({ blob }) => blob.equals(added.blob));
    if (index >= 0)
        return identities.with(index, added);
    return identities.length < MAX_IDENTITIES ? [...identities, added] : undefined;
}
/**
 * Signs with an identity.
 *
 * @returns a promise for RSA, whose signatures would keep the other connections waiting; undefined
 *   where only one with SHA-1 was asked for (RSA without a flag)
 */
function signWith(identity, data, flags) {
    const { type, key } = identity.privateKey;
    const hash = flags & SSH_AGENT_RSA_SHA2_256
        ? 'sha256'
        : flags & SSH_AGENT_RSA_SHA2_512
            ? 'sha512'
            : undefined;
    if (type !== 'ssh-rsa')
        return makeSignature(type, key, data, 'sha512');
    return hash === undefined ? undefined : makeRsaSignature(key, data, hash);
}

;// CONCATENATED MODULE: ./src/agent/settings.ts




/** Longest settings line: some hundred RSA keys and ten thousand hosts. */
const MAX_SETTINGS = (/* unused pure expression or super */ null && (16 * 1024 * 1024));
function encodeSettings(settings) {
    const encoded = {
        ...settings,
        policy: encodePolicy(settings.policy),
        keys: encodeKeys(settings.keys),
    };
    return JSON.stringify(encoded);
}
function decodeSettings(line) {
    const encoded = JSON.parse(line);
    return { ...encoded, policy: decodePolicy(encoded.policy), keys: settings_decodeKeys(encoded.keys) };
}
/** Holds no secret. */
function encodePart(part) {
    const encoded = { ...part, policy: encodePolicy(part.policy) };
    return JSON.stringify(encoded);
}
function settings_decodePart(text) {
    const encoded = JSON.parse(text);
    return { ...encoded, policy: decodePolicy(encoded.policy) };
}
function encodePolicy(policy) {
    const encodePins = (pins) => pins.map(ssh_pin/* formatPin */.fH);
    return {
        ...policy,
        hosts: policy.hosts.map((host) => ({ ...host, pins: encodePins(host.pins) })),
    };
}
function decodePolicy(policy) {
    return {
        ...policy,
        hosts: policy.hosts.map((host) => ({ ...host, pins: host.pins.map(parsePin) })),
    };
}
function encodeKeys(keys) {
    return keys.map(({ privateKey, certificate }) => ({
        privateKey: private_key_writePrivateKey(privateKey).toString('base64'),
        ...(certificate === undefined ? {} : { certificate: certificate.toString('base64') }),
    }));
}
function settings_decodeKeys(keys) {
    return keys.map(({ privateKey, certificate }) => ({
        privateKey: readPrivateKey(new Reader(Buffer.from(privateKey, 'base64'))),
        ...(certificate === undefined ? {} : { certificate: Buffer.from(certificate, 'base64') }),
    }));
}
/** A key is served with its certificate, where it has one, and plain. */
function settings_identitiesOf({ privateKey, certificate }) {
    const plain = plainIdentity(privateKey);
    return certificate === undefined ? [plain] : [certifiedIdentity(privateKey, certificate), plain];
}
/** @param given how many of the identities, the first ones, were not made here */
function settings_readyWith(identities, given) {
    return {
        pid: process.pid,
        identities: identities.map(({ blob, comment }, index) => ({
            blob: blob.toString('base64'),
            comment,
            generated: index >= given,
        })),
    };
}

;// CONCATENATED MODULE: ./src/agent/parts.ts
/**
 * Several uses of the action in one job share the agent. Each brings its own keys and its own policy for
 * them: what joins later can loosen nothing for the keys that were there before.
 */









/** Most uses of the action in one job that join the first. */
const MAX_PARTS = 32;
/** Longest word of one that joins: ten thousand hosts. */
const MAX_WORD = (/* unused pure expression or super */ null && (16 * 1024 * 1024));
function blobName(blob) {
    return blob.toString('base64');
}
/** The parts that still need the agent. */
function remaining(state) {
    return [state, ...state.joined].filter(({ left }) => left !== true);
}
/** The parts whose word counts for what no part has brought: the agent's own for as long as it runs. */
function ofJob(state) {
    return [state, ...state.joined.filter(({ left }) => left !== true)];
}
/** The policy for keys that no part has brought: the agent's own, and all hosts of the job. */
function jobPolicy(state) {
    const parts = ofJob(state);
    if (parts.length === 1)
        return state.policy;
    const mode = POLICY_MODES.find((name) => parts.some(({ policy }) => policy.mode === name));
    return {
        ...state.policy,
        mode: mode ?? state.policy.mode, // the strictest, which comes first
        hosts: parts.flatMap(({ policy }) => policy.hosts),
    };
}
/** Whether keys may be added, removed or locked over a connection: no part may have it against it. */
function mayAllChange(bindings, state) {
    return ofJob(state).every(({ policy }) => mayChangeKeys(policy, bindings, now()));
}
/** The parts that have brought an identity, and whose time is not over. */
function bringersOf({ blob }, state) {
    const name = blobName(blob);
    return remaining(state).filter(({ keys, over }) => over !== true && keys.has(name));
}
/**
 * By what an identity may be used: the parts that have brought it, each with its policy. Any of them
 * will do. Signatures of keys that were added later count for the agent's own part.
 *
 * @param by the part that asks, over the control channel: it may use what it has brought, and no more
 */
function partsFor(identity, state, by) {
    const brought = bringersOf(identity, state);
    const own = state;
    const parts = brought.length === 0
        ? [{ part: own, policy: jobPolicy(state) }]
        : brought.map((part) => ({ part, policy: part.policy }));
    return by === undefined ? parts : parts.filter(({ part }) => part === by);
}
/** The identities by the policy that they are shown under; each stands once, in the agent's order. */
function byPolicy(state) {
    const groups = new Map();
    const later = jobPolicy(state);
    for (const identity of state.identities) {
        const brought = bringersOf(identity, state);
        for (const policy of brought.length === 0 ? [later] : brought.map((part) => part.policy)) {
            const group = groups.get(policy);
            if (group === undefined)
                groups.set(policy, [identity]);
            else
                group.push(identity);
        }
    }
    if (groups.size === 0)
        return [{ policy: later, identities: [] }];
    return [...groups].map(([policy, identities]) => ({ policy, identities }));
}
/**
 * Takes another use of the action in. Whoever joins shows that it is a process of this user on this
 * machine, and no host that the agent is forwarded to, by a file in the job's directory, which nobody
 * else may enter. The file holds no secret: a digest of the token, and the policy.
 *
 * @param token that will be the part's own
 * @throws TrustError `agent-control`
 */
async function join({ id, keys, orphanedEnv }, token, state) {
    const word = takeWord(id, state);
    if (word.digest !== digestOf(token))
        throw refused('the word is for another token');
    const { policy, generate, lifetime } = decodePart(word.part);
    const loaded = decodeKeys(keys).flatMap(identitiesOf);
    const env = readOrphanedEnv(orphanedEnv);
    // In a thread: an RSA key takes seconds, and others need not wait.
    const made = generate === undefined ? [] : [plainIdentity(await makePrivateKey(generate, generate.comment))];
    const brought = [...loaded, ...made];
    if (state.joined.length >= MAX_PARTS)
        throw refused('too many have joined');
    let identities = state.identities;
    for (const identity of brought) {
        // One that is here stays as it is: a part must not change the bounds of another's key.
        if (identities.some(({ blob }) => blob.equals(identity.blob)))
            continue;
        const more = withIdentity(identities, identity);
        if (more === undefined)
            throw refused('the agent is full');
        identities = more;
    }
    state.identities = identities;
    const part = {
        token: token.toString('latin1'),
        policy,
        signatures: 0,
        keys: new Set(brought.map(({ blob }) => blobName(blob))),
        orphanedEnv: env,
    };
    state.joined.push(part);
    if (lifetime !== undefined)
        endLater(part, lifetime, state);
    return readyWith(brought, loaded.length);
}
/** Nothing but what the program that takes trust back asks for: the agent runs it with that, unseen. */
function readOrphanedEnv(env) {
    const read = {};
    for (const [name, value] of Object.entries(env)) {
        if (!/^STATE_(journal|token)$/.test(name) ||
            typeof value !== 'string' ||
            value.includes('\0')) {
            throw refused('its environment is not that of a teardown');
        }
        read[name] = value;
    }
    return read;
}
function digestOf(token) {
    return (0,external_node_crypto_.createHash)('sha256').update(token).digest('hex');
}
/** Name of the file in the job's directory that lets one join. */
function wordName(id) {
    return `join-${id}`;
}
function takeWord(id, { directory }) {
    if (directory === undefined)
        throw refused('this agent is for one alone');
    if (!/^[A-Za-z0-9]{6}$/.test(id))
        throw refused('that is no id of a job');
    const path = joinPath(directory, wordName(id));
    const text = readFileSync(path, 'utf8');
    rmSync(path, { force: true });
    if (text.length > MAX_WORD)
        throw refused('the word is too long');
    return JSON.parse(text);
}
function refused(why) {
    return new TrustError('agent-control', `The agent takes nobody in: ${why}.`);
}
/**
 * When the time of a part is over the agent drops its keys, but stays: it still watches the runner, and
 * its audit says why nothing is signed any more.
 */
function endLater(part, lifetime, state) {
    const end = () => {
        part.over = true;
        dropKeysOf(part, state);
        state.audit.write({ request: 'expire', verdict: 'done', reason: 'lifetime-over' });
    };
    setTimeout(end, lifetime * 1000).unref();
}
/** Takes a part out, with the keys that it alone has brought; the agent ends with the last. */
function leave(part, state) {
    part.left = true;
    const left = remaining(state).length;
    if (left === 0)
        setImmediate(state.stop); // after the reply has been handed to the socket
    else
        dropKeysOf(part, state);
    return left;
}
/** Drops what no other part has brought; with the agent's own part also what was added later. */
function dropKeysOf(part, state) {
    const others = remaining(state).filter((other) => other !== part && other.over !== true);
    state.identities = state.identities.filter(({ blob }) => {
        const name = blobName(blob);
        if (others.some(({ keys }) => keys.has(name)))
            return true;
        return part !== state && !part.keys.has(name);
    });
}

;// CONCATENATED MODULE: ./src/agent/join.ts
/** The side of a further use of the action, which brings its keys into the agent that the job has. */








/** Time for an agent that may be making an RSA key of many bits, in milliseconds. */
const JOIN_TIMEOUT = 900_000;
/**
 * Brings further keys, with a policy of their own, into an agent that is there. The agent knows the
 * caller for one of this job by a file in the job's directory, which holds no secret and is gone after.
 *
 * @param address with the token that is to be the caller's
 * @param directory of the use of the action that has started the agent
 * @param writeNewFile makes a file for this user alone
 * @throws TrustError `agent-control`
 */
async function joinAgent({ socket, token }, directory, { id, keys, orphanedEnv, ...part }, writeNewFile) {
    const message = (0,control/* controlMessage */.Xz)(token, { op: 'join', id, keys: encodeKeys(keys), orphanedEnv });
    if (message.length > messages/* MAX_MESSAGE */.h2) {
        throw new src_errors/* TrustError */.Ru('agent-control', 'These are too many keys for an agent at once.', {
            hint: 'Spread them over several uses of the action.',
        });
    }
    const word = (0,external_node_path_.join)(directory, wordName(id));
    writeNewFile(word, JSON.stringify({ digest: digestOf(token), part: encodePart(part) }));
    try {
        const [answer] = await (0,control/* converse */.iq)(socket, [message], JOIN_TIMEOUT);
        const reader = new ssh_wire/* Reader */.mP(answer ?? Buffer.alloc(0));
        if (reader.byte() !== messages/* SSH_AGENT_EXTENSION_RESPONSE */.An) {
            throw new src_errors/* TrustError */.Ru('agent-control', 'The agent of this job takes no more keys in.');
        }
        reader.text(256);
        return JSON.parse(reader.text());
    }
    finally {
        (0,external_node_fs_.rmSync)(word, { force: true });
    }
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __nccwpck_require__(1421);
;// CONCATENATED MODULE: ./src/agent/launch.ts
/** Starting the agent as a process of its own, which outlives the one that starts it. */





/** Time for the agent to answer: it may be generating an RSA key of many bits, which takes minutes. */
const READY_TIMEOUT = 900_000;
/** Longest answer; far more than any number of identities needs. */
const MAX_READY = 1024 * 1024;
/**
 * Bytes of OpenSSL's secure heap: locked in memory and left out of core dumps. Node keeps ed25519 keys
 * there. It must hold as many as the keyring does: OpenSSL ends the process when it is full.
 */
const SECURE_HEAP = 2 * 1024 * 1024;
/**
 * Node's permission model: the agent reads its bundle and /proc, and writes in its own directory. It may
 * start processes, for the teardown and for ssh-askpass. Without leave for the inspector Node 24 blocks
 * SIGUSR1, which drops the keys; the entry sees to it that no inspector opens. Node 20 has the model as
 * an experiment alone; later ones want leave for the network, which sockets belong to.
 */
function permissions(file, writable) {
    if (Number.parseInt(process.versions.node) < 24)
        return [];
    return [
        '--permission',
        '--allow-child-process',
        ...['--allow-inspector', '--allow-net'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag)),
        `--allow-fs-read=${file}`,
        '--allow-fs-read=/proc/',
        // The model compares letter by letter: on Windows no slashes may stand among backslashes.
        ...writable
            .map(external_node_path_.normalize)
            .flatMap((path) => [`--allow-fs-read=${path}`, `--allow-fs-write=${path}`]),
    ];
}
/**
 * What the agent's environment is made of. RUNNER_TRACKING_ID lets the runner kill the agent at the
 * end of a job in which post never ran; the others are what Windows needs to start a process.
 */
const ENVIRONMENT = ['RUNNER_TRACKING_ID', 'SystemRoot', 'SystemDrive', 'TEMP', 'TMP'];
/**
 * Starts the agent's process, so that it boots while the caller is still checking hosts.
 *
 * @param file the agent's bundle, `dist/agent/index.js`
 * @param writable where its socket and its audit are: files, or directories that end in a slash
 * @param stderr whether it may write there, for its audit
 */
function launchAgent(file, writable, stderr = 'ignore') {
    const flags = [
        '--max-old-space-size=128',
        '--max-semi-space-size=1',
        ...(process.platform === 'win32' ? [] : [`--secure-heap=${SECURE_HEAP}`]),
        ...permissions(file, writable),
    ];
    const env = {};
    for (const name of ENVIRONMENT) {
        const value = process.env[name];
        if (value !== undefined)
            env[name] = value;
    }
    const child = (0,external_node_child_process_.spawn)(process.execPath, [...flags, file], {
        detached: true,
        cwd: (0,external_node_path_.parse)(process.execPath).root, // so that it keeps no directory from being removed
        env,
        stdio: ['pipe', 'pipe', stderr],
        windowsHide: true,
    });
    keepOutOfDumps(child.pid);
    child.stdin.on('error', () => undefined); // told by the exit, below
    const answer = readAnswer(child);
    answer.catch(() => undefined); // whoever calls ready() hears of it
    return {
        process: child,
        ready: async (settings) => {
            child.stdin.end(`${encodeSettings(settings)}\n`);
            const ready = await answer;
            child.unref();
            return ready;
        },
        abandon: () => {
            child.stdin.end();
            child.unref();
        },
    };
}
/**
 * core(5): nothing of the process's memory goes into a core dump. Keys pass through Node's own memory
 * when they come in, and their traces stay there. On Linux alone.
 */
function keepOutOfDumps(pid) {
    if (process.platform !== 'linux' || pid === undefined)
        return;
    try {
        (0,external_node_fs_.writeFileSync)(`/proc/${pid}/coredump_filter`, '0');
    }
    catch {
        // It has ended, or the kernel makes no dumps.
    }
}
/** The first line that the agent writes, whole. */
async function readAnswer(child) {
    const { stdout } = child;
    return new Promise((resolve, reject) => {
        let text = '';
        const fail = (message, cause) => {
            clearTimeout(timer);
            reject(new src_errors/* TrustError */.Ru('agent-start', `The agent did not start: ${message}.`, { cause }));
        };
        const timer = setTimeout(() => {
            child.kill();
            fail(`no answer within ${READY_TIMEOUT / 1000} s`);
        }, READY_TIMEOUT);
        timer.unref();
        child.once('error', (error) => {
            fail(error.message, error);
        });
        child.once('close', (code, signal) => {
            fail(`it ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`);
        });
        stdout?.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
            if (text.length > MAX_READY)
                fail('its answer is too long');
            if (!text.endsWith('\n'))
                return;
            clearTimeout(timer);
            stdout.destroy();
            try {
                const parsed = JSON.parse(text);
                if ('error' in parsed)
                    fail(parsed.error);
                else
                    resolve(parsed);
            }
            catch (error) {
                fail('its answer is none', error);
            }
        });
    });
}

;// CONCATENATED MODULE: ./src/agent/pipe.ts
/**
 * The named pipe by which Win32-OpenSSH (the ssh of Windows itself) reaches the agent. Node makes it
 * with the system's default access: full for its user, for administrators and for SYSTEM; others may
 * connect, but write nothing.
 */

/** Path of a pipe that nobody else has. The name is no secret: all pipes of a machine can be listed. */
function newPipePath() {
    return `\\\\.\\pipe\\ssh-trust-${(0,external_node_crypto_.randomBytes)(16).toString('hex')}`;
}
/**
 * The same path for an ssh_config. Windows takes either slash, and in an ssh_config backslashes are
 * escapes, in newer versions only.
 */
function pipePathForConfig(path) {
    return path.replaceAll('\\', '/');
}
/** Whether a path is that of a named pipe: nothing in the file system, so it has no mode and no rest. */
function isPipePath(path) {
    return /^[\\/]{2}\.[\\/]pipe[\\/]/i.test(path);
}

// EXTERNAL MODULE: ./src/local/files.ts
var files = __nccwpck_require__(1436);
// EXTERNAL MODULE: ./src/process-identity.ts
var process_identity = __nccwpck_require__(2837);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __nccwpck_require__(8161);
// EXTERNAL MODULE: ./src/ssh/key-exchange.ts
var key_exchange = __nccwpck_require__(707);
;// CONCATENATED MODULE: ./src/local/ssh-config.ts
/** The job's ssh_config and known_hosts, and the lines that include them for this job alone. */




/** All files that ssh reads, as path and text. The last one is the job's ssh_config. */
function renderSshFiles(hosts, paths) {
    const clients = clientsOf(paths);
    const names = [...blocksOf(hosts).keys()];
    return [
        [paths.knownHosts, renderKnownHosts(hosts)],
        ...clients.flatMap((client) => [
            [client.agentFile, names.map((name) => renderAgentBlock(name, client.agent)).join('\n')],
            [
                client.homeFile,
                `Match exec "${client.condition}"\n    Include ${client.pathOf(paths.config)}\n`,
            ],
        ]),
        [
            paths.config,
            renderSshConfig(hosts, {
                ...paths,
                agentFiles: clients.map(({ agentFile, pathOf }) => pathOf(agentFile)),
            }),
        ],
    ];
}
/**
 * Windows has two kinds of ssh, which read the same files: its own (in pwsh and cmd), which wants a
 * pipe, and that of Git (in bash, and for git everywhere), which wants a Cygwin socket. What is for
 * one of them alone stands in a file of its own. Elsewhere there is one kind, and no such file.
 */
function clientsOf({ config, socket, pipe }) {
    if (pipe === undefined)
        return [];
    const directory = external_node_path_.posix.dirname(config);
    return [
        {
            agentFile: `${directory}/agent-win32`,
            homeFile: `${directory}/home-win32`,
            agent: pipe,
            // By cmd.exe. A variable that is not set stays as it is written, and is equal to neither. The
            // x keeps a slash in front from being taken for an option.
            condition: `if x%%SSH_AUTH_SOCK%% NEQ x${socket} if x%%SSH_AUTH_SOCK%% NEQ x${pipe} exit 1`,
            pathOf: (path) => path, // `D:/…` is relative for MSYS, below ~/.ssh
        },
        {
            agentFile: `${directory}/agent-msys`,
            homeFile: `${directory}/home-msys`,
            agent: socket,
            // By a shell that may find no other program.
            condition: `case $SSH_AUTH_SOCK in ${socket}|${pipe}) ;; *) exit 1 ;; esac`,
            pathOf: cygdrive,
        },
    ];
}
/** `D:/…` as only Cygwin and MSYS know it; neither lets its users choose another name for this. */
function cygdrive(path) {
    const { drive = '', rest = '' } = /^(?<drive>[A-Za-z]):(?<rest>\/.*)$/.exec(path)?.groups ?? {};
    return `/proc/cygdrive/${drive.toLowerCase()}${rest}`;
}
function renderAgentBlock(name, agent) {
    return `Host ${patternsOf(name)}\n    IdentityAgent ${agent}\n`;
}
/** known_hosts with proven keys alone; for a host CA the CA's key, which its certificates prove. */
function renderKnownHosts(hosts) {
    const lines = hosts.map(({ host, port, hostKey, pin }) => {
        const names = [(0,known_hosts/* knownHostsName */.on)(host, port)];
        return pin.kind === 'cert-authority'
            ? (0,known_hosts/* formatKnownHostsLine */.AA)(names, pin.key.blob, '@cert-authority')
            : (0,known_hosts/* formatKnownHostsLine */.AA)(names, hostKey);
    });
    return [...new Set(lines)].join('');
}
/** The hosts by each name under which they may be called. */
function blocksOf(hosts) {
    const blocks = new Map();
    const add = (name, host) => {
        const block = blocks.get(name);
        if (block === undefined)
            blocks.set(name, { first: host, all: [host] });
        else
            block.all.push(host);
    };
    // What a line calls its host comes first; then the real names of hosts that have an alias.
    for (const host of hosts)
        add(host.alias ?? host.host, host);
    for (const host of hosts)
        if (host.alias !== undefined)
            add(host.host, host);
    return blocks;
}
/** What stands behind `Host`: ssh looks for the name as it is typed, or in lower case. */
function patternsOf(name) {
    return [...new Set([name, name.toLowerCase()])].join(' ');
}
/**
 * The job's ssh_config: a block for each name under which a host may be called. Everything that
 * decides about trust is said here, so that nothing in other files can loosen it.
 *
 * @param paths `agentFiles`: where these are given, they say which agent is used
 */
function renderSshConfig(hosts, paths) {
    const { knownHosts, socket, agentFiles = [] } = paths;
    const shared = agentFiles.length === 0;
    const blocks = [...blocksOf(hosts)]
        .map(([name, { first, all }]) => {
        const named = (first.alias ?? first.host) === name;
        const algorithms = new Set(all.map(({ hostKey }) => algorithmsFor(hostKey).join(',')));
        const lines = [
            ...(first.host === name ? [] : [`HostName ${first.host.replaceAll('%', '%%')}`]),
            ...(named ? [`Port ${first.port}`] : []),
            ...(named && first.user !== undefined ? [`User ${first.user}`] : []),
            `UserKnownHostsFile ${knownHosts}`,
            'GlobalKnownHostsFile /dev/null',
            'StrictHostKeyChecking yes',
            'CheckHostIP no',
            'UpdateHostKeys no',
            // Where one name stands for servers with keys of different types, ssh itself asks for the
            // type that known_hosts has for the port.
            ...(algorithms.size === 1 ? [`HostKeyAlgorithms ${[...algorithms].join('')}`] : []),
            ...(shared ? [`IdentityAgent ${socket}`] : []),
            // `yes` is the agent that ssh itself uses.
            ...(named && first.forward ? [`ForwardAgent ${shared ? socket : 'yes'}`] : []),
        ];
        return `Host ${patternsOf(name)}\n${lines.map((line) => `    ${line}\n`).join('')}`;
    })
        .join('\n');
    return [...agentFiles.map((path) => `Include ${path}\n`), blocks].join('');
}
/** The algorithms under which the server will show this very key again. */
function algorithmsFor(hostKey) {
    const { type, certified } = (0,ssh_certificate/* kindOfKey */.RI)(hostKey);
    return (0,key_exchange/* hostKeyAlgorithms */.Qb)(type, certified);
}
/**
 * The lines that include the job's ssh_config where the job's agent is in use, and nowhere else: jobs
 * side by side don't see each other. On Windows each kind of ssh has its own condition, in a file that
 * is for it alone.
 */
function includeLines(paths) {
    const clients = clientsOf(paths);
    return clients.length === 0
        ? conditionalInclude(paths)
        : clients.map(({ homeFile, pathOf }) => `Include ${pathOf(homeFile)}`);
}
/**
 * `Match all` gives what follows its old meaning. (Quotes inside `exec` fail on OpenSSH 9.2: the paths
 * must need none. asyncssh splits Match lines at every `=`, so there is none.)
 */
function conditionalInclude({ socket, config }) {
    return [
        `Match exec "printenv SSH_AUTH_SOCK | grep -qxF ${socket}"`,
        `    Include ${config}`,
        'Match all',
    ];
}

;// CONCATENATED MODULE: ./src/local/home-block.ts
/**
 * The job's block in ~/.ssh/config. It says of itself whose it is, and the file says whether we made it:
 * so whoever comes last can leave things as they were, be the job's own directory gone or not.
 */




/** Names in a file that we made: by the last of these, with its directory. */
const MADE = {
    file: '# ssh-trust made this file',
    directory: '# ssh-trust made this file and .ssh',
};
const BEGIN = /^# >>> ssh-trust (?<id>[A-Za-z0-9]{6}) on (?<host>\S+) since (?<since>\S+)$/;
/** This machine, or container, in one word: pids mean something only within it. */
function thisMachine() {
    const name = (0,external_node_os_.hostname)().replace(/[^A-Za-z0-9._-]/g, '_');
    if (process.platform !== 'linux')
        return name;
    try {
        return `${name}/${/\d+/.exec((0,external_node_fs_.readlinkSync)('/proc/self/ns/pid'))?.[0] ?? ''}`;
    }
    catch {
        return name;
    }
}
/** The block of a job. It goes first, and what follows keeps its old meaning. */
function homeBlock(id, paths, since = new Date()) {
    return [
        `# >>> ssh-trust ${id} on ${thisMachine()} since ${since.toISOString()}`,
        ...includeLines(paths),
        `# <<< ssh-trust ${id}`,
    ];
}
/**
 * `text` with the block in front.
 *
 * @param text undefined where there is no such file
 * @param made what there was not, either, before the first block
 */
function addBlock(text, lines, made = 'file') {
    return `${lines.join('\n')}\n${text ?? `${MADE[made]}\n`}`;
}
/**
 * `text` without the block. Lines that somebody put between ours stay, and so does whatever else is
 * there, to the byte. With the last block goes the word that we made the file, and with nothing else in
 * it the file itself.
 *
 * @returns `text` is undefined where the file is to go; `made` says with what else
 */
function removeBlock(text, lines) {
    const rest = withoutLines(text, lines);
    if (rest === text || /^# >>> ssh-trust /m.test(rest))
        return { text: rest };
    for (const made of ['file', 'directory']) {
        // Split after each newline, so that joining gives back every byte.
        const others = home_block_linesOf(rest).filter((line) => bare(line) !== MADE[made]);
        const left = others.join('');
        if (left === rest)
            continue;
        return left === '' ? { text: undefined, made } : { text: left, made };
    }
    return { text: rest };
}
function home_block_linesOf(text) {
    return text.split(/(?<=\n)/);
}
function bare(line) {
    return line.replace(/\r?\n$/, '');
}
function withoutLines(text, lines) {
    const [begin, ...rest] = lines;
    const end = rest.at(-1);
    const ended = end !== undefined && text.includes(end);
    const kept = [];
    let inside = false;
    let condition = false; // of somebody else, among our lines
    let closing;
    for (const whole of home_block_linesOf(text)) {
        const line = bare(whole);
        if (line === begin) {
            inside = true;
            condition = false;
            closing = undefined;
        }
        // `Match all` alone is no mark of ours: it is ours only inside the block.
        const ours = lines.includes(line) && (inside || line !== 'Match all');
        if (inside && !ours && /^\s*(host|match)[\s=]/i.test(line)) {
            condition = true;
            if (closing !== undefined)
                kept.splice(closing, 1);
            closing = undefined;
        }
        // What follows must not come to depend on a condition that stays, such as ours changed by hand.
        const closes = ours && line === 'Match all' && condition;
        if (closes)
            closing = kept.length;
        if (!ours || closes)
            kept.push(whole);
        // Where the end is gone, the block ends with the first line that is not ours, or `Match all`.
        if (line === end || (!ended && (!ours || line === 'Match all')))
            inside = false;
    }
    return kept.join('');
}
const OURS = [
    /^Match exec "printenv SSH_AUTH_SOCK \| grep -qxF \S+"$/,
    /^    Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/config$/,
    /^Match all$/,
    /^Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/home-(win32|msys)$/,
    /^# <<< ssh-trust [A-Za-z0-9]{6}$/,
];
/** The whole blocks in `text`: what is not in the form that we write is nobody's. */
function findBlocks(text) {
    const lines = home_block_linesOf(text).map(bare);
    return lines.flatMap((line, index) => {
        const { id, host, since } = BEGIN.exec(line)?.groups ?? {};
        if (id === undefined || host === undefined || since === undefined)
            return [];
        const size = lines.slice(index).indexOf(`# <<< ssh-trust ${id}`) + 1;
        const block = lines.slice(index, index + size);
        const config = block.map((one) => /^ *Include (\S+)$/.exec(one)?.[1]).find(Boolean);
        if (config === undefined)
            return [];
        // Only lines in the very form that we write: what others put between them is theirs.
        const ours = block.filter((one) => one === line || OURS.some((form) => form.test(one)));
        const directory = external_node_path_.posix.dirname(config);
        return [{ id, host, since: new Date(since), directory, lines: ours }];
    });
}

;// CONCATENATED MODULE: ./src/local/job-record.ts
/**
 * Who a job is: beside the journal, so that others can tell whether it is still there, and whether they
 * belong to it.
 */





const NAME = 'job.json';
const LEFT = 'left';
function recordJob(directory, runner) {
    const record = {
        host: thisMachine(),
        main: (0,process_identity/* identify */.l)(process.pid) ?? { pid: process.pid },
        ...(runner === undefined ? {} : { runner }),
    };
    (0,files/* writeNewFile */.S0)(external_node_path_.posix.join(directory, NAME), `${JSON.stringify(record)}\n`);
}
/** Undefined where there is none that can be read. */
function readJob(directory) {
    try {
        const record = JSON.parse((0,files/* readText */.yR)(external_node_path_.posix.join(directory, NAME)) ?? '');
        const { host, main, runner } = record;
        if (host === undefined || main === undefined)
            return undefined;
        return { host, main, ...(runner === undefined ? {} : { runner }) };
    }
    catch {
        return undefined;
    }
}
/** Says that all of the job was taken back but the directory, with the agent that others still use. */
function noteLeft(directory) {
    if (!hasLeft(directory))
        (0,files/* writeNewFile */.S0)(external_node_path_.posix.join(directory, LEFT), '');
}
function hasLeft(directory) {
    return (0,external_node_fs_.existsSync)(external_node_path_.posix.join(directory, LEFT));
}

// EXTERNAL MODULE: external "node:util/types"
var types_ = __nccwpck_require__(3429);
;// CONCATENATED MODULE: ./src/local/journal.ts
/**
 * The journal: before every effect outside the job's directory a line is written and synced; teardown
 * replays the lines in reverse. It holds no secret.
 */







const PREFIX = 'ssh-trust-';
/** How often a removal is tried again, each after 100 ms more: scanners of Windows hold files open. */
const RETRIES = 5;
/** Name of the journal in the job's directory. */
const journal_NAME = 'journal.jsonl';
/** Of the agent's socket, in the job's directory. */
const SOCKET = 'agent.sock';
const RULES = {
    // 107 bytes on Linux, 103 on macOS (sun_path, with its terminating zero).
    posix: { plain: /^\/[A-Za-z0-9/._+-]*$/, longest: 103, last: '/tmp' },
    // On a drive, since Cygwin's name for the path begins with that. Win32-OpenSSH cuts off what is longer.
    win32: { plain: /^[A-Za-z]:\/[A-Za-z0-9/._+~-]*$/, longest: 107, last: undefined },
};
/** Where jobs may have their directories. */
function parents(runnerTemp, platform) {
    const { last } = RULES[platform === 'win32' ? 'win32' : 'posix'];
    const candidates = [runnerTemp, (0,external_node_os_.tmpdir)(), last];
    return [...new Set(candidates.filter((path) => path !== undefined && path !== ''))];
}
/** The directories of jobs on this machine that belong to this user: their journals' paths. */
function findJournals(runnerTemp) {
    const user = process.geteuid?.();
    return parents(runnerTemp, process.platform).flatMap((parent) => {
        let names;
        try {
            names = (0,external_node_fs_.readdirSync)(parent);
        }
        catch {
            return []; // not there, or not to be read
        }
        return names
            .map((name) => external_node_path_.posix.join(parent, name, journal_NAME))
            .filter((path) => {
            if (!isJournalPath(path))
                return false;
            const stat = (0,external_node_fs_.lstatSync)((0,external_node_path_.dirname)(path), { throwIfNoEntry: false });
            return stat?.isDirectory() === true && (user === undefined || stat.uid === user);
        });
    });
}
/**
 * Makes the job's directory and opens its journal.
 *
 * The directory is the first of `RUNNER_TEMP`, the system's temporary directory and /tmp in which the
 * agent's socket has a path that is short enough and needs no quoting in an ssh_config.
 *
 * @throws TrustError `temp-unusable`
 */
function openJournal(runnerTemp, platform = process.platform) {
    const directory = makeDirectory(parents(runnerTemp, platform), platform);
    const path = external_node_path_.posix.join(directory, journal_NAME);
    return {
        path,
        id: (0,external_node_path_.basename)(directory).slice(PREFIX.length),
        directory,
        append: (effect) => {
            appendToJournal(path, effect);
        },
    };
}
/** Writes a record through to the disk; whole, or not at all. */
function appendToJournal(path, effect) {
    const descriptor = (0,external_node_fs_.openSync)(path, external_node_fs_.constants.O_WRONLY | external_node_fs_.constants.O_APPEND);
    const line = Buffer.from(`${JSON.stringify(effect)}\n`);
    const { size } = (0,external_node_fs_.fstatSync)(descriptor);
    try {
        for (let done = 0; done < line.length;)
            done += (0,external_node_fs_.writeSync)(descriptor, line, done);
        (0,external_node_fs_.fsyncSync)(descriptor);
    }
    catch (error) {
        (0,external_node_fs_.ftruncateSync)(descriptor, size); // half a line would spoil the next one
        if ((0,types_.isNativeError)(error))
            error.message += ` '${path}'`;
        throw error;
    }
    finally {
        (0,external_node_fs_.closeSync)(descriptor);
    }
}
function makeDirectory(candidates, platform) {
    const windows = platform === 'win32';
    const rules = windows ? RULES.win32 : RULES.posix;
    const problems = [];
    for (const candidate of candidates) {
        const parent = windows ? candidate.replaceAll('\\', '/') : candidate;
        const longest = external_node_path_.posix.join(parent, `${PREFIX}XXXXXX`, SOCKET);
        if (!rules.plain.test(parent))
            problems.push(`${parent}: has a space or special character`);
        else if (Buffer.byteLength(longest) > rules.longest)
            problems.push(`${parent}: too long`);
        else {
            try {
                const made = (0,external_node_fs_.mkdtempSync)(external_node_path_.posix.join(parent, PREFIX)); // mode 0700
                const directory = external_node_path_.posix.join(parent, (0,external_node_path_.basename)(made));
                if (windows)
                    restrictToUser(directory);
                startJournal(directory);
                return directory;
            }
            catch (error) {
                problems.push(`${parent}: ${(0,src_errors/* systemCode */.xU)(error) ?? (0,src_errors/* explain */.WE)(error)}`);
            }
        }
    }
    throw new src_errors/* TrustError */.Ru('temp-unusable', `There is no usable temporary directory (${problems.join('; ')}).`, {
        hint: 'Set RUNNER_TEMP, or TMPDIR, to a directory that can be written and has a short plain path.',
    });
}
/** On a disk that is full there may be room for the directory alone: then it goes again. */
function startJournal(directory) {
    const flags = external_node_fs_.constants.O_WRONLY | external_node_fs_.constants.O_CREAT | external_node_fs_.constants.O_EXCL;
    try {
        (0,external_node_fs_.closeSync)((0,external_node_fs_.openSync)(external_node_path_.posix.join(directory, journal_NAME), flags, 0o600));
    }
    catch (error) {
        (0,external_node_fs_.rmdirSync)(directory);
        throw error;
    }
}
/** A program of Windows itself, whatever is on the PATH. */
function system32(name) {
    return external_node_path_.win32.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', name);
}
/**
 * Windows knows no modes: what lies in a temporary directory may be open to others. The directory,
 * still empty, gets this user as the only one with any access, to all that will be in it too.
 *
 * @throws an error where that fails; the directory is gone then
 */
function restrictToUser(directory) {
    try {
        const options = { encoding: 'latin1', windowsHide: true, stdio: 'pipe' };
        const sid = parseSid((0,external_node_child_process_.execFileSync)(system32('whoami.exe'), WHOAMI_ARGUMENTS, options));
        (0,external_node_child_process_.execFileSync)(system32('icacls.exe'), icaclsArguments(directory, sid), options);
    }
    catch (error) {
        (0,external_node_fs_.rmdirSync)(directory);
        throw new Error(`can't be made private: ${(0,src_errors/* explain */.WE)(error).trim()}`, { cause: error });
    }
}
const WHOAMI_ARGUMENTS = ['/user', '/fo', 'csv', '/nh'];
/** The SID of what whoami prints, `"machine\user","S-1-…"`. Names can be of any language, a SID not. */
function parseSid(line) {
    const sid = /,"(S-1-[0-9-]+)"\s*$/.exec(line)?.[1];
    if (sid === undefined)
        throw new Error('whoami told no SID');
    return sid;
}
/** Nothing is inherited from above; the user has full access, inherited (`OI`, `CI`) by what is below. */
function icaclsArguments(directory, sid) {
    return [external_node_path_.win32.resolve(directory), '/inheritance:r', '/grant:r', `*${sid}:(OI)(CI)F`];
}
/**
 * The effects in a journal, in their order. A torn last line is left out: its effect never happened.
 *
 * @returns undefined where there is no journal
 */
function readJournal(path) {
    let text;
    try {
        text = (0,external_node_fs_.readFileSync)(path, 'utf8');
    }
    catch (error) {
        if ((0,src_errors/* systemCode */.xU)(error) === 'ENOENT')
            return undefined;
        throw error;
    }
    return text.split('\n').flatMap((line) => {
        try {
            const effect = line === '' ? null : JSON.parse(line);
            return typeof effect === 'object' && effect !== null ? [effect] : [];
        }
        catch {
            return [];
        }
    });
}
/** Whether `path` can be a journal of ours: teardown removes the directory around it. */
function isJournalPath(path) {
    return (0,external_node_path_.basename)(path) === journal_NAME && /^ssh-trust-[A-Za-z0-9]{6}$/.test((0,external_node_path_.basename)((0,external_node_path_.dirname)(path)));
}
/** Removes the job's directory; the journal last, so that whoever is killed meanwhile can begin again. */
function removeJobDirectory(journalPath) {
    const directory = (0,external_node_path_.dirname)(journalPath);
    const options = { recursive: true, force: true, maxRetries: RETRIES };
    // First and by itself: on Windows an agent that was killed leaves it read-only.
    try {
        (0,external_node_fs_.unlinkSync)(external_node_path_.posix.join(directory, SOCKET));
    }
    catch {
        // not there; what else there may be is told of the whole
    }
    for (const name of (0,external_node_fs_.existsSync)(directory) ? (0,external_node_fs_.readdirSync)(directory) : []) {
        if (name !== journal_NAME)
            (0,external_node_fs_.rmSync)(external_node_path_.posix.join(directory, name), options);
    }
    (0,external_node_fs_.rmSync)(directory, options);
}
/** Removes what ssh alone needs of the job's directory. */
function freeSpace(journalPath) {
    for (const name of ['known_hosts', 'config']) {
        (0,external_node_fs_.rmSync)(external_node_path_.posix.join((0,external_node_path_.dirname)(journalPath), name), { force: true });
    }
}
/** Removes the job's directory if that is all that is left of it. */
function removeEmptyJobDirectory(journalPath) {
    (0,files/* removeIfEmpty */.V3)((0,external_node_path_.dirname)(journalPath));
}

// EXTERNAL MODULE: ./src/trust/bootstrap.ts
var bootstrap = __nccwpck_require__(8632);
// EXTERNAL MODULE: ./src/local/home.ts
var home = __nccwpck_require__(9668);
;// CONCATENATED MODULE: ./src/trust/home-config.ts
/** ~/.ssh/config: the job's block put in, taken out, and those of jobs that are no more. */






/** Puts the block into ~/.ssh/config that includes the job's own ssh_config. */
async function includeInHome(journal, paths) {
    const lines = homeBlock(journal.id, paths);
    for (const directory of (0,home/* sshDirectories */.W)()) {
        const target = (0,external_node_path_.join)(directory, 'config');
        for (let attempt = 1;; attempt += 1) {
            try {
                const made = (0,files/* statOf */._N)(directory) === undefined ? 'directory' : 'file';
                if (made === 'directory') {
                    journal.append({ kind: 'directory', target: directory });
                    (0,external_node_fs_.mkdirSync)(directory, { mode: 0o700 });
                }
                if (attempt === 1)
                    journal.append({ kind: 'home-block', target, id: journal.id, lines });
                await (0,files/* editFile */.$y)(target, journal.id, (text) => addBlock(text, lines, made));
                break;
            }
            catch (error) {
                // Another job makes the directory, or removes the one that it had made, at this moment.
                const passing = ['EEXIST', 'ENOENT'].includes((0,src_errors/* systemCode */.xU)(error) ?? '');
                if (!passing || attempt === ATTEMPTS)
                    throw error;
            }
        }
    }
}
/** How often the block is tried to be put in. */
const ATTEMPTS = 5;
async function takeOutOfHome({ target, id, lines, }) {
    const directory = (0,external_node_path_.dirname)(target);
    if ((0,files/* statOf */._N)(directory) === undefined)
        return 'nothing';
    const removed = { lines: 'nothing', directory: false };
    await (0,files/* editFile */.$y)(target, id, (text) => {
        if (text === undefined)
            return undefined;
        const without = removeBlock(text, lines);
        const whole = text.replaceAll('\r\n', '\n').includes(lines.join('\n'));
        removed.lines = without.text === text ? 'nothing' : whole ? 'whole' : 'changed';
        removed.directory = without.text === undefined && without.made === 'directory';
        return without.text;
    });
    if (removed.directory)
        (0,files/* removeIfEmpty */.V3)(directory);
    return removed.lines;
}
/** Age, in milliseconds, at which no job can still be running: GitHub ends them after five days. */
const LONGEST_JOB = 7 * 24 * 3600 * 1000;
/**
 * Takes out the blocks of jobs that ended without a teardown, and whose directory is gone: runners
 * empty RUNNER_TEMP. Those whose directory is there are a matter for its journal. A block of another
 * machine, which shares this home, must be older than any job.
 *
 * @param id of this job
 * @returns the ids of those jobs
 */
async function sweepHome(id) {
    const swept = [];
    for (const directory of (0,home/* sshDirectories */.W)()) {
        const target = (0,external_node_path_.join)(directory, 'config');
        for (const block of findBlocks((0,files/* readText */.yR)(target) ?? '')) {
            const here = block.host === thisMachine();
            const old = Date.now() - block.since.getTime() > LONGEST_JOB;
            if (here ? (0,external_node_fs_.existsSync)(block.directory) : !old)
                continue;
            const taken = await takeOutOfHome({ target, id, lines: block.lines });
            if (taken !== 'nothing')
                swept.push(block.id);
        }
    }
    return swept;
}

;// CONCATENATED MODULE: ./src/trust/job-agent.ts
/**
 * The agent of a job: started by the first use of the action in it, joined by further ones, and ended by
 * the last that is taken back.
 */










/**
 * The agent that SSH_AUTH_SOCK names, if it is of this very job: of this user, on this machine, under
 * the same runner, and serving.
 */
async function findJobAgent(authSock, runner) {
    const socket = (authSock ?? '').replaceAll('\\', '/');
    const directory = external_node_path_.posix.dirname(socket);
    const journal = external_node_path_.posix.join(directory, 'journal.jsonl');
    if ((0,external_node_path_.basename)(socket) !== 'agent.sock' || !isJournalPath(journal))
        return undefined;
    const stat = (0,external_node_fs_.lstatSync)(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || !isOwn(stat.uid) || hasLeft(directory))
        return undefined;
    const job = readJob(directory);
    if (job?.host !== thisMachine() || !isSame(job.runner, runner))
        return undefined;
    const control = readJournal(journal)?.find(({ kind }) => kind === 'agent-process')?.target;
    if (control === undefined || !(await answers(control)))
        return undefined;
    return { socket, control, journal };
}
function isOwn(uid) {
    return process.geteuid === undefined || process.geteuid() === uid;
}
function isSame(one, other) {
    return one?.pid === other?.pid && one?.start === other?.start;
}
async function answers(path) {
    return new Promise((resolve) => {
        const socket = (0,external_node_net_.connect)(path);
        socket.once('connect', () => {
            socket.destroy();
            resolve(true);
        });
        socket.once('error', () => {
            resolve(false);
        });
    });
}
const UNDONE = { outcome: 'undone' };
const NOTHING = { outcome: 'nothing to undo' };
const SHARED = {
    outcome: 'undone',
    detail: 'the agent stays for others of this job',
    shared: true,
};
/** How long an agent that was told to end may take, in milliseconds. */
const AGENT_END = 2000;
/** An agent that serves but whose process is not in the journal yet: main died in between. */
async function endAgent(address) {
    if (address === undefined)
        return NOTHING;
    try {
        return (await (0,control/* stopAgent */.eD)(address)) > 0 ? SHARED : UNDONE;
    }
    catch (error) {
        if (isNobody(error))
            return NOTHING;
        throw error;
    }
}
/** Nobody listens: an agent that was killed leaves its socket, which goes with the directory. */
function isNobody(error) {
    const cause = error instanceof src_errors/* TrustError */.Ru ? error.cause : undefined;
    return ['ECONNREFUSED', 'ENOENT'].includes((0,src_errors/* systemCode */.xU)(cause) ?? '');
}
/** Ends the agent's process, by a signal if it can't be told; unless others of the job still need it. */
async function endAgentProcess(agent, address) {
    if (!(await agentRuns(agent, address)))
        return NOTHING;
    const remaining = address === undefined ? undefined : await (0,control/* stopAgent */.eD)(address).catch(() => undefined);
    if (remaining !== undefined && remaining > 0)
        return SHARED;
    // By pid alone, and perhaps after its end, it may be somebody else's process that a signal ends.
    if (remaining === undefined && agent.start !== undefined)
        process.kill(agent.pid, 'SIGTERM');
    if (await hasEnded(agent))
        return UNDONE;
    if (!(await agentRuns(agent, address)))
        return UNDONE;
    process.kill(agent.pid, 'SIGKILL');
    return { outcome: 'undone', detail: 'it had to be killed' };
}
async function hasEnded(agent) {
    for (let waited = 0; waited < AGENT_END; waited += 5) {
        if (!(0,process_identity/* stillRuns */.H)(agent))
            return true;
        await (0,promises_.setTimeout)(5);
    }
    return false;
}
/**
 * Takes our keys out of an agent that another use of the action has started. If we are the last, and
 * the other was taken back before us, its directory goes with the agent.
 *
 * @param journal of the other
 */
async function leaveAgent(address, journal) {
    const { outcome, detail, shared } = await endAgent(address);
    if (shared === true)
        return detail === undefined ? { outcome } : { outcome, detail };
    if (isJournalPath(journal) && hasLeft(external_node_path_.posix.dirname(journal))) {
        const agent = readJournal(journal)?.find((effect) => effect.kind === 'agent-process');
        if (agent === undefined || (await hasEnded(agent.process)))
            removeJobDirectory(journal);
    }
    return { outcome };
}
/**
 * Whether the agent's process still runs. Where the platform does not tell when a process started
 * (Windows), that pid is the agent's if the agent itself says so.
 *
 * @throws TrustError `agent-control` where it can't be known
 */
async function agentRuns(agent, address) {
    if (!(0,process_identity/* stillRuns */.H)(agent))
        return false;
    if (agent.start !== undefined)
        return true;
    if (address === undefined) {
        throw new src_errors/* TrustError */.Ru('agent-control', `Without a token process ${agent.pid} can't be known.`);
    }
    try {
        return (await (0,control/* agentStatus */.o3)(address)).pid === agent.pid;
    }
    catch (error) {
        if (isNobody(error))
            return false;
        throw error;
    }
}

// EXTERNAL MODULE: ./src/remote/verify-hosts.ts + 1 modules
var verify_hosts = __nccwpck_require__(6847);
;// CONCATENATED MODULE: ./src/trust/proven-hosts.ts






/**
 * Holds all hosts against their pins; whatever is not right with any of them is an error.
 *
 * @param timeout for each host, in milliseconds
 * @throws TrustError
 */
async function proven_hosts_proveHosts(lines, timeout) {
    // Lines for one server (other users, other keys) share one connection, and all their pins hold.
    const servers = new Map();
    for (const { host, port, pins } of lines) {
        const server = servers.get(address(host, port));
        if (server === undefined)
            servers.set(address(host, port), { host, port, pins: [...pins] });
        else
            server.pins.push(...pins);
    }
    const results = await (0,verify_hosts/* verifyHosts */.L)([...servers.values()], timeout);
    const byServer = new Map([...servers.keys()].map((key, index) => [key, results[index]]));
    const proven = [];
    const errors = [];
    for (const line of lines) {
        const result = byServer.get(address(line.host, line.port));
        if (result?.status === 'ok')
            proven.push({ line, result });
        else if (result !== undefined)
            errors.push(hostError(line, result));
    }
    if (errors.length > 0)
        throw (0,src_errors/* combine */.kg)(errors);
    return proven;
}
function address(host, port) {
    return `[${host.toLowerCase()}]:${port}`;
}
function describeKey(hostKey) {
    return `${(0,public_key/* displayType */.x)((0,public_key/* typeOfBlob */.JX)(hostKey))} ${(0,public_key/* fingerprint */.Rj)((0,ssh_certificate/* plainKey */.y7)(hostKey))}`;
}
function describePin(pin) {
    const type = pin.kind === 'fingerprint'
        ? pin.type === undefined
            ? ''
            : `${(0,public_key/* displayType */.x)(pin.type)} `
        : `${(0,public_key/* displayType */.x)(pin.key.type)} `;
    const role = pin.kind === 'cert-authority' ? 'CA ' : pin.kind === 'revoked' ? 'revoked ' : '';
    return `${role}${type}${(0,ssh_pin/* pinFingerprint */.CU)(pin)}`;
}
/** What is wrong with a host, in words a person can act on. */
function hostError(line, result) {
    const name = (0,trust_hosts/* hostName */.Sm)(line);
    const input = line.position;
    if (result.status === 'unreachable') {
        const { code, message, hint } = result.error;
        const details = { input, cause: result.error, ...(hint === undefined ? {} : { hint }) };
        return new src_errors/* TrustError */.Ru(code, `${name} (port ${line.port}): ${message}`, details);
    }
    const offered = result.offered.map(describeKey).join(', ');
    const [firstOffered] = result.offered;
    const offeredType = firstOffered === undefined ? '*' : (0,public_key/* displayType */.x)((0,public_key/* typeOfBlob */.JX)((0,ssh_certificate/* plainKey */.y7)(firstOffered))).toLowerCase();
    if (result.status === 'revoked') {
        return new src_errors/* TrustError */.Ru('host-key-revoked', `${name} (port ${line.port}) offered a key that is pinned as revoked: ${offered}.`, {
            input,
            hint: 'Somebody else may hold that key. Do not connect; find out who answers there.',
        });
    }
    const pinned = line.pins
        .filter((pin) => pin.kind !== 'revoked')
        .map(describePin)
        .join(', ');
    const defect = result.defect === undefined ? '' : ` Its certificate was not taken: ${result.defect}.`;
    return new src_errors/* TrustError */.Ru('host-key-changed', `The host key of ${name} (port ${line.port}) is not the pinned one. Pinned: ${pinned}. Offered: ${offered}.${defect}`, {
        input,
        hint: `If the server was reinstalled or its key was rotated, confirm the new fingerprint on the server itself (ssh-keygen -lf /etc/ssh/ssh_host_${offeredType}_key.pub) and change the pin. If not, somebody may be in between: do not go on.`,
    });
}
/** What the agent is told of a proven host: the proven key alone, though more may be pinned. */
function policyHost({ line, result }) {
    const revoked = line.pins.filter((pin) => pin.kind === 'revoked');
    const proven = result.pin.kind === 'cert-authority' ? result.pin : (0,ssh_pin/* parsePin */.N3)((0,public_key/* formatPublicKey */.et)(result.hostKey));
    return pinnedHost({ ...line, pins: [proven, ...revoked] });
}
/** What an agent is told of a host that it is to take by its pins. */
function pinnedHost(line) {
    return {
        name: (0,trust_hosts/* hostName */.Sm)(line),
        hostname: line.host,
        pins: line.pins,
        forward: line.forward,
        ...(line.user === undefined ? {} : { user: line.user }),
        ...(line.keys === undefined ? {} : { keys: line.keys }),
        ...(line.users === undefined ? {} : { users: line.users }),
    };
}
function provenHost(line, { hostKey, pin }) {
    const { alias, user, host, port, forward } = line;
    return {
        host,
        port,
        forward,
        hostKey,
        pin,
        ...(alias === undefined ? {} : { alias }),
        ...(user === undefined ? {} : { user }),
    };
}
/** @param coming what a login there has shown, if there was one */
function reportHost({ line, result }, coming) {
    const { hostKey, pin, stale } = result;
    return {
        name: (0,trust_hosts/* hostName */.Sm)(line),
        host: line.host,
        port: line.port,
        status: 'ok',
        keyType: (0,public_key/* displayType */.x)((0,public_key/* typeOfBlob */.JX)(hostKey)),
        fingerprint: (0,public_key/* fingerprint */.Rj)((0,ssh_certificate/* plainKey */.y7)(hostKey)),
        pin: describePin(pin),
        stale: stale.map(describeKey),
        ...(coming === undefined ? {} : { coming: [...coming] }),
    };
}

// EXTERNAL MODULE: ./src/remote/each-of.ts
var each_of = __nccwpck_require__(7435);
;// CONCATENATED MODULE: ./src/trust/revoke-keys.ts
/**
 * Trust that was made earlier, taken out of many hosts: the lines of authorized_keys that hold a key,
 * that have a fingerprint, or whose comment matches a pattern. Everything else stays byte for byte.
 */








/** Servers that are worked on at a time. */
const revoke_keys_AT_ONCE = 16;
/**
 * What the command line logs in with: the password of a line's own variable, else what was given for
 * all hosts, else the running agent.
 *
 * @param given `undefined` for the agent of SSH_AUTH_SOCK
 * @throws TrustError of everything that is wrong
 */
async function revocationCredentials(lines, given, env) {
    const { errors, attempt } = collectErrors();
    for (const line of lines)
        attempt(line.position, () => {
            requireLogin(line, env);
        });
    if (errors.length > 0)
        throw combine(errors);
    const own = ({ passwordEnv }) => {
        const password = passwordEnv === undefined ? undefined : env[passwordEnv];
        return password === undefined ? undefined : { kind: 'password', password };
    };
    const needed = lines.some((line) => own(line) === undefined);
    const forAll = needed ? (given ?? (await agentOf(env))) : undefined;
    return new Map(lines.map((line) => [line, [own(line) ?? forAll ?? []].flat()]));
}
function requireLogin(line, env) {
    if (line.user === undefined) {
        throw new TrustError('input-invalid', `${hostName(line)} has to say whose account it is.`, {
            hint: 'Write user@ before the host.',
        });
    }
    if (line.passwordEnv !== undefined && (env[line.passwordEnv] ?? '') === '') {
        throw new TrustError('input-invalid', `The variable ${line.passwordEnv} is not set.`);
    }
}
async function agentOf(env) {
    const address = env['SSH_AUTH_SOCK'] ?? '';
    if (address === '') {
        throw new TrustError('input-invalid', 'There is nothing to log in with.', {
            hint: 'Give --password-env or --key-file, or run an agent: SSH_AUTH_SOCK is not set.',
        });
    }
    const { agentCredentials } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(953)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3953)); // ssh2 takes long to load
    return agentCredentials(address);
}
/** What was done, for a person. */
function formatRevocations(reports, dryRun) {
    const lines = reports.flatMap(({ host, user, file = '', removed, kept, error }) => {
        const account = `${user}@${host}`;
        if (error !== undefined)
            return [`✗ ${account}: ${error}`];
        const done = dryRun ? 'would be removed from' : 'removed from';
        return [
            `✓ ${account}: ${removed.length} ${done} ${file}`,
            ...removed.map((line) => `  - ${line}`),
            ...kept.map((line) => `  kept, since it logs in with it (--including-own): ${line}`),
        ];
    });
    return lines.map((line) => `${oneLine(line)}\n`).join('');
}
/**
 * Revokes on hosts that first have to prove their keys.
 *
 * @returns a report for each line, in their order; what failed is told there
 */
async function revokeOnHosts(lines, revocation) {
    // All pins of a server hold for each of its lines, and one connection at a time is enough for it.
    const servers = new Map();
    for (const line of lines) {
        const server = `[${line.host.toLowerCase()}]:${line.port}`;
        servers.set(server, [...(servers.get(server) ?? []), line]);
    }
    const reports = new Map();
    await eachOf([...servers.values()], revoke_keys_AT_ONCE, async (group) => {
        try {
            for (const host of await proveHosts(group, revocation.timeout)) {
                reports.set(host.line, await revokeOnHost(host, revocation));
            }
        }
        catch (error) {
            if (!(error instanceof TrustError))
                throw error;
            for (const line of group)
                reports.set(line, failed(line, error));
        }
    });
    return lines.flatMap((line) => reports.get(line) ?? []);
}
/**
 * Revokes what `revoke-keys` says, on the hosts that were bootstrapped.
 *
 * @throws TrustError where a host failed and that is to fail the job; all hosts have been tried then
 */
async function revokeEarlierTrust(proven, { revokeKeys, credentials, onFailure }, { keep, timeout }) {
    if (revokeKeys.length === 0)
        return [];
    const hosts = proven.filter(({ line }) => credentials.has(line));
    const revocation = { matches: revokeKeys, credentials, keep, timeout };
    const reports = await (0,each_of/* eachOf */.p)(hosts, revoke_keys_AT_ONCE, async (host) => {
        const refusal = (0,bootstrap/* refusalAt */.yr)(host.line);
        return refusal === undefined ? revokeOnHost(host, revocation) : failed(host.line, refusal);
    });
    const errors = reports.flatMap(({ error }) => error ?? []);
    if (errors.length > 0 && onFailure === 'fail') {
        const list = errors.map((error) => `\n- ${error}`).join('');
        throw new src_errors/* TrustError */.Ru('revocation-failed', `There are hosts without revocation:${list}`, {
            input: 'revoke-keys',
        });
    }
    return reports;
}
function failed(line, error) {
    return { ...identity(line), removed: [], kept: [], error: (0,src_errors/* explain */.WE)(error) };
}
function identity(line) {
    return { host: (0,trust_hosts/* hostName */.Sm)(line), user: line.user ?? '' };
}
async function revokeOnHost({ line, result }, revocation) {
    const { host, port, user = '' } = line;
    const destination = { host, port, user, hostKey: result.hostKey, timeout: revocation.timeout };
    const signed = [];
    const credentials = (revocation.credentials.get(line) ?? []).map((one) => noting(one, signed));
    try {
        const { client, used } = await (0,bootstrap/* logInWith */.ej)(destination, credentials);
        try {
            const own = used?.kind === 'key' ? [used.key.publicKey] : signed;
            const keep = [...(revocation.keep ?? []), ...(revocation.includingOwn === true ? [] : own)];
            return { ...identity(line), ...(await removeFrom(client, line, revocation, keep)) };
        }
        finally {
            client.end();
        }
    }
    catch (error) {
        if (!(error instanceof src_errors/* TrustError */.Ru))
            throw error;
        return failed(line, error.about(line.position));
    }
}
/** The same credentials, which note what they sign with: that key is the one that logs in. */
function noting(credentials, signed) {
    if (credentials.kind !== 'signer')
        return credentials;
    return {
        ...credentials,
        sign: async (key, ...rest) => {
            signed.push(key);
            return credentials.sign(key, ...rest);
        },
    };
}
async function removeFrom(client, { user = '', path }, { matches, dryRun = false }, keep) {
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737)); // ssh2 takes long to load
    let removal = removeMatching(Buffer.alloc(0), matches, keep);
    const where = { user, mend: false, ...(path === undefined ? {} : { path }) };
    const edited = await editAuthorizedKeys(client, where, (content) => {
        removal = removeMatching(content, matches, keep);
        return dryRun || removal.removed.length === 0 ? undefined : removal.content;
    });
    const texts = (keys) => keys.map(({ text }) => text.trim());
    return { file: edited.path, removed: texts(removal.removed), kept: texts(removal.kept) };
}
function removeMatching(content, matches, keep) {
    const whole = (0,authorized_keys/* removeKeys */.$3)(content, matches);
    const ours = (0,authorized_keys/* removeKeys */.$3)(content, keep.map((blob) => ({ kind: 'key', blob })));
    const isOurs = ({ lineNumber }) => ours.removed.some((key) => key.lineNumber === lineNumber);
    const kept = whole.removed.filter(isOurs);
    const removed = whole.removed.filter((key) => !isOurs(key));
    const rest = kept.length === 0 ? whole.content : revoke_keys_withoutLines(content, removed);
    return { content: rest, removed, kept };
}
function revoke_keys_withoutLines(content, keys) {
    const numbers = new Set(keys.map(({ lineNumber }) => lineNumber));
    // As bytes: what is not UTF-8 stays as it is.
    const lines = content.toString('latin1').split(/(?<=\n)/);
    const rest = lines.filter((_, index) => !numbers.has(index + 1));
    return Buffer.from(rest.join(''), 'latin1');
}

// EXTERNAL MODULE: ./src/agent/audit.ts
var audit = __nccwpck_require__(910);
;// CONCATENATED MODULE: ./src/trust/teardown.ts
/**
 * Taking everything back: the journal replayed in reverse. Each undo is idempotent and stands alone;
 * what fails is told and does not stop the rest.
 */












const teardown_UNDONE = { outcome: 'undone' };
const teardown_NOTHING = { outcome: 'nothing to undo' };
/**
 * Takes back what the job with this journal did.
 *
 * @param journalPath as main saved it in the state
 * @param token of the agent's control channel; without it the agent is ended by a signal
 * @param hostsToo whether what is left on hosts is reason to keep the journal; it is told in any case
 * @returns undefined where there is no journal: nothing was done, or it has been taken back before
 */
async function tearDown(journalPath, token, hostsToo = true) {
    if (!isJournalPath(journalPath))
        return undefined;
    const effects = readJournal(journalPath);
    if (effects === undefined) {
        removeEmptyJobDirectory(journalPath);
        return undefined;
    }
    const directory = (0,external_node_path_.dirname)(journalPath);
    const report = readReport((0,external_node_path_.join)(directory, 'report.json'));
    const agent = teardown_agentOf(effects, token);
    const logins = agent === undefined ? undefined : (0,job_login/* openRecordedLogins */.x)(agent);
    const append = (effect) => {
        try {
            appendToJournal(journalPath, effect);
        }
        catch {
            // The disk is full: then a teardown that begins again may tell of what is gone. This one goes on.
        }
    };
    const results = new Map();
    const shared = [];
    const attempt = async (effect) => {
        const { kind, target } = effect;
        try {
            const { shared: stays, ...outcome } = await undo(effect, agent, logins, append);
            // Whoever has to begin again, since this was killed, must not ask hosts for what is gone.
            if (isOnHost(effect))
                append({ ...effect, undone: true });
            if (stays === true)
                shared.push(effect);
            results.set(effect, { kind, target, ...outcome });
        }
        catch (error) {
            results.set(effect, { kind, target, outcome: 'failed', detail: (0,src_errors/* explain */.WE)(error) });
        }
    };
    const hasFailed = (effect) => results.get(effect)?.outcome === 'failed';
    const granted = latestOf(effects.filter(isOnHost));
    // The agent must still be there, and hosts need not wait for one another.
    await Promise.all([...new Set(granted.map(accountOf))].map(async (account) => {
        for (const effect of granted.filter((one) => accountOf(one) === account)) {
            await attempt(effect);
        }
    }));
    logins?.end();
    const part = effects.find((effect) => effect.kind === 'agent-part');
    const signed = part === undefined ? [] : signedBy((0,external_node_path_.dirname)(part.journal), report);
    const here = effects.toReversed().filter((effect) => !isOnHost(effect));
    for (const effect of here)
        await attempt(effect);
    const audit = part === undefined ? readAudit(directory) : { entries: signed, omitted: 0 };
    const inFiles = here.filter(({ kind }) => kind === 'home-block' || kind === 'directory');
    if (inFiles.some(hasFailed)) {
        // The disk may be full, and our own files, which nobody needs by now, be what fills it.
        freeSpace(journalPath);
        for (const effect of inFiles.filter(hasFailed))
            await attempt(effect);
    }
    // What could not be undone may be later: then the journal is needed again.
    const failed = effects.filter(hasFailed);
    if (shared.length > 0)
        noteLeft(directory);
    else if (!failed.some((effect) => hostsToo || !isOnHost(effect)))
        removeJobDirectory(journalPath);
    return { audit, effects: [...results.values()], ...(report === undefined ? {} : { report }) };
}
function readAudit(directory) {
    return (0,audit/* parseAudit */.hh)((0,files/* readText */.yR)((0,external_node_path_.join)(directory, 'audit.jsonl')) ?? '');
}
/**
 * The signatures with the keys of a call that had joined another's agent. The post of that other call
 * tells of everything, refusals too.
 */
function signedBy(directory, report) {
    const keys = (report?.keys ?? []).map(({ fingerprint }) => fingerprint);
    return readAudit(directory).entries.filter(({ key, verdict }) => verdict === 'signed' && key !== undefined && keys.includes(key));
}
function readReport(path) {
    const text = (0,files/* readText */.yR)(path);
    try {
        return text === undefined ? undefined : JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
const ON_HOST = ['authorized-key', 'remote-file', 'known-host'];
function isOnHost(effect) {
    return ON_HOST.includes(effect.kind);
}
/** The account that something was done in, whatever the job calls its host. */
function accountOf({ user, host, port }) {
    return `${user}@[${host.toLowerCase()}]:${port}`;
}
/** The latest record of each line and file on a host, the latest line first. */
function latestOf(records) {
    const what = (one) => one.kind === 'remote-file'
        ? one.path
        : `${one.kind === 'authorized-key' ? (one.path ?? '') : ''} ${one.line}`;
    const latest = new Map(records.map((one) => [`${one.kind} ${accountOf(one)} ${what(one)}`, one]));
    return [...latest.values()].filter(({ undone }) => undone !== true).toReversed();
}
/** Where the job's agent is to be asked. */
function teardown_agentOf(effects, token) {
    const agent = effects.find(({ kind }) => kind === 'agent' || kind === 'agent-part');
    return agent === undefined || token === undefined ? undefined : { socket: agent.target, token };
}
const FOUND = {
    whole: teardown_UNDONE,
    changed: { ...teardown_UNDONE, detail: 'somebody has edited our lines; what is not ours stays' },
    nothing: { ...teardown_NOTHING, detail: 'our lines are not there' },
};
async function undo(effect, agent, logins, append) {
    switch (effect.kind) {
        case 'authorized-key':
            return (0,revocation/* revoke */.r)(effect, logins, append);
        case 'remote-file':
        case 'known-host':
            return undoHostTrust(effect, logins);
        case 'agent':
            return endAgent(agent);
        case 'agent-process':
            return endAgentProcess(effect.process, agent);
        case 'agent-part':
            return leaveAgent(agent, effect.journal);
        case 'directory':
            return removeDirectory(effect.target);
        case 'home-block':
            return FOUND[await takeOutOfHome(effect)];
    }
}
function removeDirectory(path) {
    try {
        (0,external_node_fs_.rmdirSync)(path);
        return teardown_UNDONE;
    }
    catch (error) {
        const code = (0,src_errors/* systemCode */.xU)(error);
        if (code === 'ENOENT')
            return teardown_NOTHING;
        if (code === 'ENOTEMPTY') {
            return { outcome: 'nothing to undo', detail: 'others have put files there; it stays' };
        }
        throw error;
    }
}

;// CONCATENATED MODULE: ./src/trust/sweep.ts
/**
 * What earlier jobs of this user left on this machine, because they were killed with all that could have
 * taken it back: their runner and their agent. A job that may still be running is left alone.
 */









/** Age, in milliseconds, of a directory that holds no record of its job: it was killed in between. */
const WITHOUT_RECORD = 3600 * 1000;
/**
 * Takes back what dead jobs left. Their keys are gone, so what they put on hosts stays there until it
 * expires: that is told once.
 *
 * @param temporary the runner's RUNNER_TEMP
 * @param id of this job, whose own files are left alone
 * @param home whether ~/.ssh/config may be touched
 */
async function sweep(temporary, id, home) {
    const swept = { done: [], failed: [] };
    for (const journal of findJournals(temporary)) {
        if (journal.includes(`ssh-trust-${id}/`))
            continue;
        const name = external_node_path_.posix.basename(external_node_path_.posix.dirname(journal));
        try {
            if (!isDead(journal))
                continue;
            const report = await tearDown(journal, undefined, false);
            if (report === undefined)
                continue; // it had done nothing
            swept.done.push(`${name}, a job that was killed, was taken back`);
            for (const { target, outcome, detail } of report.effects) {
                if (outcome === 'failed')
                    swept.failed.push(`${name}: ${target}: ${detail ?? ''}`);
            }
        }
        catch (error) {
            swept.failed.push(`${name}: ${(0,src_errors/* explain */.WE)(error)}`);
        }
    }
    if (home) {
        try {
            for (const gone of await sweepHome(id)) {
                swept.done.push(`lines of ssh-trust-${gone}, a job that was killed: out of ~/.ssh/config`);
            }
        }
        catch (error) {
            swept.failed.push(`~/.ssh/config: ${(0,src_errors/* explain */.WE)(error)}`);
        }
    }
    return swept;
}
/** Whether nobody is left who could be using, or taking back, what the job did. */
function isDead(journal) {
    const directory = external_node_path_.posix.dirname(journal);
    const job = readJob(directory);
    if (job === undefined) {
        const age = Date.now() - ((0,external_node_fs_.lstatSync)(directory, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
        return age > WITHOUT_RECORD;
    }
    if (job.host !== thisMachine())
        return false;
    const agents = (readJournal(journal) ?? []).flatMap((effect) => effect.kind === 'agent-process' ? [effect.process] : []);
    const processes = [job.main, ...(job.runner === undefined ? [] : [job.runner]), ...agents];
    return !processes.some(process_identity/* stillRuns */.H);
}

;// CONCATENATED MODULE: ./src/trust/setup.ts
/**
 * The main step: hosts proven, agent started, files written. Whatever fails takes back what was done.
 */






















/** @throws TrustError */
async function setUp(config, surroundings) {
    const journal = openJournal(surroundings.temporary);
    const token = (0,external_node_crypto_.randomBytes)(32).toString('hex');
    try {
        surroundings.saveState(journal.path, token); // the disk that it is on may be full
        return await make(config, surroundings, journal, token);
    }
    catch (error) {
        await tearDown(journal.path, token).catch(() => undefined); // post tries again
        throw error;
    }
}
async function make(config, surroundings, journal, token) {
    const runner = (0,process_identity/* identify */.l)(surroundings.runner);
    recordJob(journal.directory, runner);
    const swept = await sweep(surroundings.temporary, journal.id, config.home);
    const jobAgent = await findJobAgent(surroundings.authSock, runner);
    const work = { config, surroundings, journal, token, runner };
    const { control, ready, proven, paths } = jobAgent === undefined ? await startAgent(work) : await bringToAgent(jobAgent, work);
    const identities = [
        ...(await certifyGenerated(config, ready, { socket: control, token })),
        ...ready.identities,
    ];
    const bootstrapped = config.bootstrap === undefined || config.dryRun === true
        ? undefined
        : await (0,bootstrap/* bootstrapHosts */.es)(proven, {
            keys: jobKeys(ready.identities),
            config: config.bootstrap,
            journal,
            agent: { socket: control, token },
            timeout: config.connectTimeout,
        });
    const revocations = config.bootstrap === undefined || config.dryRun === true
        ? []
        : await revokeEarlierTrust(proven, config.bootstrap, {
            keep: jobKeys(ready.identities).map(({ blob }) => blob),
            timeout: config.connectTimeout,
        });
    if (config.dryRun === true)
        surroundings.say?.('dry-run: bootstrap and revoke-keys are left out');
    const established = config.hostTrust === undefined
        ? undefined
        : await establishTrust(config.hostTrust.relations, proven, {
            keys: jobKeys(ready.identities),
            config: config.hostTrust,
            journal,
            agent: { socket: control, token },
            timeout: config.connectTimeout,
            dryRun: config.dryRun === true,
            say: surroundings.say ?? (() => undefined),
            ...(config.bootstrap === undefined ? {} : { credentials: config.bootstrap.credentials }),
        });
    const hosts = proven.map(({ line, result }) => provenHost(line, result));
    for (const [path, text] of renderSshFiles(hosts, paths))
        (0,files/* writeNewFile */.S0)(path, text);
    if (config.home)
        await includeInHome(journal, paths);
    const report = {
        version: 1,
        policy: config.policy.mode,
        hosts: proven.map((host) => reportHost(host, bootstrapped?.coming.get(host.line))),
        keys: identities.map(reportKey),
        grants: [...(bootstrapped?.grants ?? []), ...(established?.grants ?? [])],
        ...(established === undefined ? {} : { hostTrust: reportHostTrust(established) }),
        revocations,
        repairs: config.repairs,
        swept: swept.done,
        warnings: [...config.warnings, ...swept.failed],
    };
    (0,files/* writeNewFile */.S0)(`${journal.directory}/report.json`, `${JSON.stringify(report)}\n`);
    return {
        socket: paths.socket,
        ...(paths.pipe === undefined ? {} : { pipe: paths.pipe }),
        knownHosts: paths.knownHosts,
        sshConfig: paths.config,
        report,
    };
}
/** Paths in the job's directory, with slashes on Windows too, where a shell takes others for escapes. */
function pathsIn({ directory }) {
    return { knownHosts: `${directory}/known_hosts`, config: `${directory}/config` };
}
/** The agent's process boots while the hosts are asked; it holds nothing until it gets its settings. */
async function startAgent({ config, surroundings, journal, token, runner }) {
    const socket = `${journal.directory}/agent.sock`;
    const pipe = process.platform === 'win32' ? newPipePath() : undefined;
    const control = pipe ?? socket;
    journal.append({ kind: 'agent', target: control });
    const launching = launchAgent(surroundings.agentFile, [`${journal.directory}/`]);
    const proven = await proven_hosts_proveHosts(config.hosts, config.connectTimeout).catch((error) => {
        launching.abandon();
        throw error;
    });
    const ready = await launching.ready({
        socket,
        ...(pipe === undefined ? {} : { pipe }),
        directory: journal.directory,
        auditFile: `${journal.directory}/audit.jsonl`,
        token,
        ...partOf(config, proven),
        keys: config.keys,
        ...(runner === undefined ? {} : { watch: runner }),
        orphaned: {
            file: surroundings.teardownFile,
            env: surroundings.teardownEnv(journal.path, token),
        },
    });
    const agent = (0,process_identity/* identify */.l)(ready.pid);
    if (agent !== undefined) {
        journal.append({ kind: 'agent-process', target: control, process: agent });
    }
    const inConfig = pipe === undefined ? {} : { pipe: pipePathForConfig(pipe) };
    return { control, ready, proven, paths: { ...pathsIn(journal), socket, ...inConfig } };
}
/** A further use of the action in the job brings its keys, with its hosts for them, into the agent. */
async function bringToAgent({ control, socket, journal: first }, { config, surroundings, journal, token }) {
    const proven = await proven_hosts_proveHosts(config.hosts, config.connectTimeout);
    journal.append({ kind: 'agent-part', target: control, journal: first });
    const ready = await joinAgent({ socket: control, token }, (0,external_node_path_.dirname)(first), {
        id: journal.id,
        ...partOf(config, proven),
        keys: config.keys,
        orphanedEnv: surroundings.teardownEnv(journal.path, token),
    }, files/* writeNewFile */.S0);
    const inConfig = process.platform === 'win32' ? { pipe: pipePathForConfig(control) } : {};
    return { control, ready, proven, paths: { ...pathsIn(journal), socket, ...inConfig } };
}
/** What this use of the action asks of the agent. */
function partOf(config, proven) {
    return {
        policy: { ...config.policy, hosts: proven.map(policyHost) },
        ...(config.lifetime === undefined ? {} : { lifetime: config.lifetime }),
        ...(config.generate === undefined ? {} : { generate: config.generate }),
    };
}
function reportHostTrust({ plan, dryRun, table }) {
    return { plan, dryRun, table };
}
/** The keys that hosts are to take: the generated one, else those that the user brought. */
function jobKeys(identities) {
    const plain = identities
        .map(({ blob, ...rest }) => ({ blob: Buffer.from(blob, 'base64'), ...rest }))
        .filter(({ blob }) => !(0,ssh_certificate/* isCertificateType */.qu)((0,public_key/* typeOfBlob */.JX)(blob)));
    const generated = plain.filter((key) => key.generated);
    return generated.length > 0 ? generated : plain;
}
/** Has the user's authority certify the generated key, where that was asked for. */
async function certifyGenerated({ certification }, ready, agent) {
    const generated = ready.identities.find((identity) => identity.generated);
    if (certification === undefined || generated === undefined)
        return [];
    const key = Buffer.from(generated.blob, 'base64');
    const certificate = certify(key, certification, Date.now() / 1000);
    await (0,control/* giveCertificate */.nQ)(agent, certificate);
    return [{ ...generated, blob: certificate.toString('base64') }];
}
function reportKey({ blob, comment, generated }) {
    const bytes = Buffer.from(blob, 'base64');
    return {
        type: (0,public_key/* displayType */.x)((0,public_key/* typeOfBlob */.JX)(bytes)),
        fingerprint: (0,public_key/* fingerprint */.Rj)((0,ssh_certificate/* plainKey */.y7)(bytes)),
        comment,
        publicKey: (0,public_key/* formatPublicKey */.et)(bytes, comment),
        certificate: (0,ssh_certificate/* isCertificateType */.qu)((0,public_key/* typeOfBlob */.JX)(bytes)),
        origin: generated ? 'generated' : 'loaded',
    };
}

;// CONCATENATED MODULE: ./src/main.ts
/** The action's main step. */








// Bundles lie side by side in dist; only here is known where this one is.
const dist = (0,external_node_path_.join)(__dirname, '..');
async function main() {
    const config = await loadConfig(readInputs());
    const trust = await setUp(config, {
        temporary: process.env['RUNNER_TEMP'],
        agentFile: (0,external_node_path_.join)(dist, 'agent', 'index.js'),
        teardownFile: (0,external_node_path_.join)(dist, 'post', 'index.js'),
        teardownEnv: stateEnv,
        runner: process.ppid,
        authSock: process.env['SSH_AUTH_SOCK'],
        saveState: state_saveState,
        say: logPlan,
    }).catch(async (error) => {
        await explainFailure(config, error);
        throw error;
    });
    logTrust(trust);
    writeOutputs(trust);
}
main().catch(fail);

})();

module.exports = __webpack_exports__;
/******/ })()
;