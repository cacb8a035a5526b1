# Writes the annotations of a Cars196 of 6 classes as MAT files, as scipy has them:
#   pip install scipy==1.17.1 numpy==2.4.6; python make_cars.py DIRECTORY
import scipy.io as sio, numpy as np, sys
dt=[('relative_im_path','O'),('bbox_x1','O'),('bbox_y1','O'),('bbox_x2','O'),('bbox_y2','O'),('class','O'),('test','O')]
n=24
a=np.zeros((1,n),dtype=dt)
for i in range(n):
    a[0,i]=("car_ims/%06d.jpg"%(i+1),np.uint16(1),np.uint16(2),np.uint16(20),np.uint16(18),np.uint8(i//4+1),np.uint8(i%2))
names=np.array([["AM General Hummer SUV 2000","Acura RL Sedan 2012","Acura TL Sedan 2012","Ram C/V Cargo Van Minivan 2012","Audi S4 Sedan 2007","Citroën — no such car 2012"]],dtype=object)
out=sys.argv[1]
sio.savemat(out+'/cars_annos.mat',{'annotations':a,'class_names':names},do_compression=True)
dt=[('bbox_x1','O'),('bbox_y1','O'),('bbox_x2','O'),('bbox_y2','O'),('class','O'),('fname','O')]
for k,f in (('train',0),('test',1)):
    b=np.zeros((1,12),dtype=dt)
    for i in range(12):
        b[0,i]=(np.uint8(1),np.uint8(2),np.uint16(20),np.uint16(18),np.uint8(i//2+1),"%05d.jpg"%(i+1))
    nm={'train':'cars_train_annos','test':'cars_test_annos_withlabels'}[k]
    sio.savemat(out+'/%s.mat'%nm,{'annotations':b},do_compression=(k=='train'))
b=np.zeros((1,12),dtype=[d for d in dt if d[0]!='class'])
for i in range(12):
    b[0,i]=(np.uint8(1),np.uint8(2),np.uint16(20),np.uint16(18),"%05d.jpg"%(i+1))
sio.savemat(out+'/cars_test_annos.mat',{'annotations':b},do_compression=True)
sio.savemat(out+'/cars_meta.mat',{'class_names':names},do_compression=True)
