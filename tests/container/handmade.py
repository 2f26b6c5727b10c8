"""Recordings in formats that PyAV has no encoder for, written by hand: a tone of 440 Hz, half a second or more."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from tests.container.sound import tone


def _samples(seconds: float, kind: str) -> bytes:
    """Return the tone at 16 kHz as integers of a NumPy type, at full scale."""
    return bytes((tone(seconds) * np.iinfo(kind).max).astype(kind).tobytes())


def sphere(seconds: float = 1.0, coding: str = "pcm") -> bytes:
    """Return a NIST SPHERE file: a header of 1,024 bytes in text, then the samples."""
    samples = _samples(seconds, "<i2")
    fields = (
        "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\nsample_n_bytes -i 2\n"
        f"sample_byte_format -s2 01\nsample_sig_bits -i 16\nsample_count -i {len(samples) // 2}\n"
        f"sample_coding -s{len(coding)} {coding}\nend_head\n"
    )
    return fields.encode().ljust(1024) + samples


def _one_bit(samples: np.ndarray) -> np.ndarray:
    """Return samples from -1 to 1 as bits, by sigma-delta modulation of the first order."""
    error, bits = 0.0, np.zeros(len(samples), np.uint8)
    for i, sample in enumerate(samples.tolist()):
        error += sample - (1.0 if error >= 0 else -1.0)
        bits[i] = error >= 0
    return bits


def dsf(seconds: float = 0.5) -> bytes:
    """Return a DSD Stream File, DSD64: one channel of 2,822,400 bits a second in blocks of 4,096 bytes."""
    rate, block = 2_822_400, 4096
    bits = _one_bit(tone(seconds, rate=rate))
    packed = np.packbits(bits, bitorder="little").tobytes()
    body = packed.ljust(-(-len(packed) // block) * block, b"\x69")
    data = struct.pack("<4sQ", b"data", 12 + len(body)) + body
    fmt = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, len(bits), block, 0)
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(fmt) + len(data), 0) + fmt + data


def ape(seconds: float = 1.0) -> bytes:
    """Return a Monkey's Audio file of version 3.82, level "fast", 8 kHz mono: one frame of Rice codes."""
    samples = (tone(seconds, rate=8000) * 32767).astype(int).tolist()
    bits = ["0" * 32, *_rice(_residuals(samples)), "0" * 64]  # the frame's checksum first, which readers may ignore
    text = "".join(bits)
    text = text.ljust(-(-len(text) // 32) * 32, "0")
    words = [int(text[i : i + 32], 2) for i in range(0, len(text), 32)]
    create_wav_header = 32
    head = struct.pack("<4sHHHHI", b"MAC ", 3820, 1000, create_wav_header, 1, 8000)
    sizes = struct.pack("<IIII", 0, 0, 1, len(samples))  # WAV header and tail, frames, samples of the last
    return head + sizes + struct.pack("<I", 36) + struct.pack(f"<{len(words)}I", *words)


def _residuals(samples: list[int]) -> list[int]:
    """Return what the predictor of level "fast" leaves: a line through the last two differences, scaled by learning."""
    last, before, whole, scale, left = 0, 0, 0, 375, []
    for i, sample in enumerate(samples):
        before, previous = last, before
        if i < 3:
            left.append(sample)
            last = whole = sample
            continue
        guess = 2 * before - previous
        last = sample - whole
        residual = last - ((guess * scale) >> 9)
        scale += 1 if (residual ^ guess) > 0 else -1
        whole = sample
        left.append(residual)
    return left


def _rice(values: list[int]) -> list[str]:
    """Return the codes of values; the number of plain bits follows the mean of the last 64."""
    codes: list[str] = []
    numbers = [2 * value - 1 if value > 0 else -2 * value for value in values]
    total, k, high, low = 0, 10, 0, 0
    for i, number in enumerate(numbers):
        plain = format(number & ((1 << k) - 1), f"0{k}b") if k else ""
        codes.append("0" * (number >> k) + "1" + plain)
        total += number
        if i < 4:
            continue
        if i == 4:
            k = _k(total // 10)
        elif i < 63:
            k = _k(total // ((i + 1) * 2))
        elif i == 63:
            k = _k(total >> 7)
            high, low = 1 << (k + 7), (1 << (k + 6)) if k else 0
        else:
            total -= numbers[i - 64]
            while total < low:
                k, low, high = k - 1, (low >> 1) if k > 1 else 0, high >> 1
            while total >= high:
                k, high, low = k + 1, high << 1, (low << 1) if low else 128
    return codes


def _k(mean: int) -> int:
    return mean.bit_length()


def amr_wb(frames: int, *, header: bool) -> bytes:
    """Return AMR-WB of 12.65 kbit/s, 20 ms a frame (RFC 4867): noise, since its bits are drawn by chance."""
    drawn = np.random.default_rng(7).integers(0, 256, (frames, 32)).astype(np.uint8)
    body = b"".join(b"\x14" + frame.tobytes() for frame in drawn)
    return (b"#!AMR-WB\n" if header else b"") + body


def svx(seconds: float = 1.0) -> bytes:
    """Return an Amiga 8SVX file, 8 bits, 16 kHz."""
    samples = _samples(seconds, "i1")
    voice = struct.pack(">IIIHBBI", len(samples), 0, 0, 16000, 1, 0, 65536)
    chunks = b"8SVXVHDR" + struct.pack(">I", len(voice)) + voice + b"BODY" + struct.pack(">I", len(samples)) + samples
    return b"FORM" + struct.pack(">I", len(chunks)) + chunks


def avr(seconds: float = 1.0) -> bytes:
    """Return an Audio Visual Research file, signed 16 bits, 16 kHz mono."""
    samples = _samples(seconds, ">i2")
    head = struct.pack(
        ">4s8sHHHHHIII", b"2BIT", b"tone", 0, 16, 0xFFFF, 0, 0xFFFF, 0xFF000000 | 16000, len(samples) // 2, 0
    )
    return (head + struct.pack(">I", len(samples) // 2)).ljust(128, b"\0") + samples


def rf64(seconds: float = 1.0) -> bytes:
    """Return an RF64 file (EBU Tech 3306): WAV whose sizes stand in a chunk of 64-bit numbers."""
    samples = _samples(seconds, "<i2")
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, 4 + 36 + 24 + 8 + len(samples), len(samples), len(samples) // 2, 0)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + fmt + b"data\xff\xff\xff\xff" + samples


def gsm() -> bytes:
    """Return half a second of GSM 06.10 as libgsm's `toast -l` wrote it: 33 bytes a frame, no header."""
    return zlib.decompress(base64.b85decode(_GSM))


def musepack() -> bytes:
    """Return half a second of Musepack SV8 as `mpcenc --quality 1` wrote it."""
    return zlib.decompress(base64.b85decode(_MUSEPACK))


_GSM = (
    "c-lSEeMl2w90%|#=+%N|gg8MSbats*4YKJN(UaL=4#CnS=S$06w$1ZON<@tg`Xh=Kt=on+g=1|FHO=YfS_?WP#AT7pG~KzmN`<DT(F;MZ^Q`{="
    "@qIqe_xJOQ76q34f**uAr!7CGey&@b+{t^m{pX#fm7J?jD!mnc(IWPCW!)ZMqp)h4>MI|;cCnf^id1<m0mAM~S?2gx6EJY9W#6~;ZqShX1oV(l"
    "SoOT6-wiihQog+H&s<Ek;0WrJEhLZ#TCE;Q@PMpYhjo^LMWidPntg(yGI?sb45QK`X%RmT7h+A$HWJhy2_-H2v!V$#bYH7uVD=FuZFSiBp)ktV"
    "$V*5luc(<MR}(C+Df#Kz!LwT8Y3aC8fFYI-I<Zy{;vc7A`Ro9r)NXCeKH&zFq$y(#S6Y{Jk~40wQ&f2<%pxzqyf^#j4J4FlHHxtykSFMdZ48v&"
    "bQuM!3Gb%D88(%KgAtxCsUm<W7h>y%TJ<2{H#yr`WQgjsImEoXG|E@YxlyD*?JWoqsrS<~KDH<|UD90F`#?(#s>V?P28{>Q5(N%CUAYQBJD`Uz"
    "6txp11EW8`)58E*^ko<3f;)awg7<4p0`aG`Vr~$~l5Y)9GcZq4P*lo*lcdMChIG-QwsT$%Mtd!LC&w@tJXSkoAdyM4$vMv=1C(&vlwqzpESgpO"
    "l0$TgK<B*|1eusdvDRciUBays4n&(QbJ<cbU|6~?sc?gi|41C-o6XsYBrP=??N%HJ%NAP}^f2}-@fXP;s7oc&nCL6A##e~}3g?(}5@$eC`{))Y"
    "yKb#A_E+>aTm<@kceM`>H|V-;>0~&=s`DhV$n%7=)M4kDXlbjyBRx!H@^vFgGf-ApGgSBw$*BVa(I(3rC|?UKJsqiCBs>_2X&PjaBw)D5Ckpj2"
    "a^r4>4M(!eKgL~Vl$)9kFBh{&H$XohWw<yZ=3&pq7(~*!H)0OLoVi~6+D*D>Y1?%PXNrpN+}Pm5k=4x@NJ?bYyVL&wzmcA9"
)
_MUSEPACK = (
    "c-lRcdpy(oAIHDn?Yo=HFvJpO#z8vGEw?bXF}W>M4>`r$GMAj>l8St7%2I^Z&86m+shwK2%2A!;9z}6l9{r>mb)@n`PJR)!-#X_!dj0WveBS@O"
    "9-qhi`FuP+A#8dOhlS^#uqehBO346DGdw^G1pW;(5EBcUft)bx@l5sT%RZj^LH6J5$3858k6Xhv76M!amyHPr93ud<9DLXaxQMm<lpql>n*E}B"
    "v>+EaIWf;eSJTC`h8T}KC@Wl(G04~Pt4BBt)2C6nkLRO<!bMa-bn?{P>Hk$8I_0z8jnDkF{6#)yb;pEHj>V6@Sw1>gMrknp?a<)b0~WTXO`Bb^"
    "T(&!_;v=`5kt~X#{XRjiv$JjgF~N?n@PE#I4}TpTn|?XE?{l?}OS7zH*{HNyB*#}Xdd*)JRPVYqk-B(rz!pq<7au#*gl`bEM&{2&LAJpb36&nA"
    "<=MaHhqtEa-b!*qJid2+r}V(eR8N%`PZ{UG@5<n1Ut*F^yu>@~^3wamj@eg3w^e){PGw5hHr+CzZ2h&Y;5^{zw_|zegpXa9uj7tgy+t`2dw>bX"
    "5skI^G1YF4kEL#*FGPy0%+{sz_cNbdw3T0(VOBQdXPBE_rAVD^nTnW#zJq&qifvN6*2#WYH2NT{I}<rt0RqUjQ9ECn^92~OBi_yZ9HaQsZc>I9"
    "XvGx<#6gy+utp;bu=kc?a?8eDDy+G#?WTq<MU&%vYGy|mq60PDUnN_znajOzO?<D#xeYZY_=V1a&v)52164NN$ZcQ+vQ6V?Si6ox4X{_zu9c$O"
    "aT~y_E~ka~TUENo+Ps-Ta}ICN>K^Fo>aLq_IWwt*w~g6)L4?EAxMf3(tW0ZFabF*D#2A>lsURy?IfNlikmW(SEZinGrO*XfSWKrU3oJDUpwOLw"
    ">F0Hb>TYaYKiEVM0WUU_lUYM2o|9tWZkEE+J=EOR1TV!N8tas=@33j%=Par_&s5MtHbhw2`(?ap$6xAdx9685#^^kHiNCN!N#5rUqGbD-Nl1aG"
    "1cmE5>)&&!;kC2F{9E2Lo3zleFb4xdL7m1&BcZgcR8-u5&+_IOb>~nbuv*IwvGLVZ<R4Z?ld0B~>naCHvb;AClVyVzv1vh)Buu8Td?^ir1lr>%"
    "0b)^Fol`A4b-a$Fy8y1qyT*0x{CCZ4PDhxodY^9R;1W5*GQ$tN(TR9V05tKJ3SS`GLlOc{>T^R3;y`J6ci{^Zvv~@=3j1SO@RQ>H0736&>VwF*"
    "+A%9jGGTACRx0tx*?{6B^glTcgMI3E4*Wo}n4}6;7g5uH2PYe``r$Z6>C;W_8-TVvE`s?ENNSxVJg+22mE$lywVfx1e2tT3=dZF4V3i#Sd1bIy"
    "tljE7;>ApBQ7O*r57ei2O!f^Z8Jq^j4k^(77%{dcnCA2`3bmJ|+h2|hW{It9Y%6nOsk0N9Ep<wRI7+f<O|y=ow0JAzHxnCWG$)Ga@XQsvi_)Un"
    "yy<ka%cn}OsXK4_1cK>$a*J-uA|_AIYYmM*=0(oz=%^h*@CfDFC`0ha*pK$fgdTahzV?x4{eMpI!xR?LaUTo|hp&|{xxLO&P>g@p4EHK(NDQpG"
    "D2SnHE!?n<vZ{)WTpGfb?B;6Qh~d-hhxo|~-+2YL<~WJDovhbd2aHaDS^Kakk|CFsuSf2D?OI&A-;k&bY60`hu%nE`&18CGW{FNJU^?<Nd%Mo8"
    "8R7teEvZKEu4A<m(G>Ke%{m|2#?Czmvv{o21v*AkX_i7OB=vZ<Zt`cGeNp2e-D#a@X4a&0@>sDeec}-qI7JdUKMj#am~{Y7BTsBZtZ1m=1Xrus"
    "pGJumqYsoNJg8>`g@Y8L7$c*{8ATWyo5AD^2jI2U2*J{u)gDnm9nSHkDxsUFh^=$Alq7wE#F-f>d_z?$bWoFfc^o1-0?DNW=y4M{e8Adt1%4-|"
    "A@02;ao}B8S>L!`By>CgAQ{#b;1~n?w=|IdD9><s_ksIO`4?g94G0J8HU3g7PgCRGZKme|C<mrNXB-R7FM&_ntgLbl+%w9;HEB|=v)7t?fO?^L"
    "u<;{_;IUz|dGi|lXpsO9rUb}DX)R7C)ylX0gk1oQ^W@QL<qei$;``J_9ww6|UP^&N17PwMUEvrPPRjt=HWnee7)sAOxwvVZUp)_3KR}||Ikgvu"
    "BbL|b$%Xgp8O^LW24)K9ZIWPP-*u?2Y;%Ju!1EWWxV`Wt3Uzu8efl9x?~6lc3Ay8W$Uz=Jxj+ci91>-u6=qHKp^iq-I>z6zmm>Qzvb^o*49*E~"
    "eh;D19^YxCz_4Q8eQ`l3NnYI9^bkn;<+rZ0j#Cu`1vdoE1E+PL9vVUQVkFq=0oZeTJ8CbM)L(`S=E2srwuIR4G@$P^EcR@N?v@yIC-@Ku54gy-"
    "XS}d)B%}<)y%riLFZ~+{!>!QqB!JYagRKR2C+5IsS0qSZ6q}VNEb@xBH%a_%x^Md5rnd>dY*gkbERA<-ZobR+x}H=ZEYU{LE&{G>JGS-;+mM9*"
    "it<MAVF`dlQ~`SmgXUO7n!z=yho3m**iSn?#pF-bmyp<42mt~xjijr-)LzQI9TcfAySrAU<mG-(zDo7^evoSM$rg3Cs#HW_&P&x?ufwr;<6Z}q"
    "O3O#J_|F$_u8e%N0>HWmAeafORH}K~LiMTSM4&;!5QmBUKk9~Xp#"
)
