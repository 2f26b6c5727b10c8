"""File extensions of recordings. Made by `make formats` from the formats that the worker reads."""

from __future__ import annotations

EXTENSIONS = frozenset(
    "302 3g2 3ga 3gp 3gp2 3gpp 3gpp2 722 8svx a52 aa aa3 aac aacp aax ac3 ac4 adp adts adx aea afc aif aifc "
    "aiff aiffc aix al alaw amr apc ape apm aptx aptxhd asf ast at3 au aud avi avr awb bcstm bfstm binka bmv "
    "bonk brstm bw64 bwf c2 caf cdxl cpk cvg daud dav dff dfpwm dif divx dsf dss dtk dts dtshd dtsma dv dvd "
    "dvr-ms eac3 ec3 evo f4a f4b f4p f4v fap flac flv fsb fwse g722 g723 g723_1 g728 g729 genh gsm gxf hca iamf "
    "iff ifv imx ircam isma ismv ivr kux laf latm lbc lc3 loas lrv lvf m1a m2a m2p m2t m2ts m4a m4b m4p m4r m4v "
    "mac mj2 mk3d mka mkv mlp mmf mod mods moflex mov mp+ mp1 mp2 mp3 mp4 mp4v mpa mpc mpe mpeg mpg mpga mpp "
    "mqv msbc msf mtaf mts mulaw musx mvi mxf mxg nist nut oga ogg ogm ogv ogx oma omg opus osq paf pcma pcmu "
    "psp pvf qoa qt qta ra rco rf64 rka rm rmvb roq rsd rso rv sbc sdns sdr2 sds sdx sf sga shn sln sln12 sln16 "
    "sln24 sln32 sln44 sln48 sln96 snd son sox spdif sph spx ss2 svag svx swf tak tco thd tod tp trp truehd ts "
    "tta ty ty+ ul ulaw usm vag viv vob voc vqe vqf vql vro w64 wa wav wave way weba webm wm wma wmv wsd wtv wv "
    "xmd xmv xvag xvid yop".split()
)
"""Lower case, without the dot."""
